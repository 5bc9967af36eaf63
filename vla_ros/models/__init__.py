"""The policy, in torch."""

import os

# Read once, when torch loads its threads: those that wait for one another sleep. Spinning, as they
# do by default, they take the processor from the very thread they wait for wherever others compute
# beside them, and an encode took five times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
