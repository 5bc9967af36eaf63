"""Event, the base of everything that handlers wait for."""


class Event:
    """Something that happened; `name` says what, for people."""

    name = "launch.Event"
