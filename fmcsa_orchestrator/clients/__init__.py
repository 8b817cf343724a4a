"""The upstreams: HTTP with its pace and retries, the portal's SODA, QCMobile."""
