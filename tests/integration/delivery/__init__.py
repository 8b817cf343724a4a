"""Delivery over real connections and stores."""
