"""Every fault that is tried, in the order of the page that tells of them."""

from .local_faults import CLOCK, HOST, LEASES, STORE
from .upstream_faults import BODIES, QCMOBILE, REFUSALS, STATES, TRANSPORT

GROUPS = {
    "The portal: connections": TRANSPORT,
    "The portal: refusals": REFUSALS,
    "The portal: bodies and columns": BODIES,
    "The portal: states of the files": STATES,
    "QCMobile": QCMOBILE,
    "MongoDB": STORE,
    "Other processes": LEASES,
    "This machine's clock": CLOCK,
    "The host's own": HOST,
}
FAULTS = [entry for group in GROUPS.values() for entry in group]
MODES = ("run", "company")
PHASES = ("first", "later")
