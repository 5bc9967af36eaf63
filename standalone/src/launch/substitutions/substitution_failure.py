"""SubstitutionFailure."""


class SubstitutionFailure(RuntimeError):
    """A substitution cannot be performed in this context."""
