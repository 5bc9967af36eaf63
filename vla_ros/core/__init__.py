"""What the package knows and decides: numpy and the standard library only."""
