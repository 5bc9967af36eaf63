"""The one error family of the package: what was given, and what is allowed."""


class VlaError(Exception):
    """Base of every error that this package raises on purpose."""


class ParameterError(VlaError):
    """A parameter is unknown, of the wrong type or out of range."""


class MessageError(VlaError):
    """A message's contents contradict each other or what was agreed."""


class CheckpointError(VlaError):
    """A checkpoint is missing, damaged or contradicts itself."""


class BagError(VlaError):
    """A bag is missing, damaged or lacks what is needed."""


class SimError(VlaError):
    """The simulation cannot start or was given a command it cannot follow."""
