"""How the talk between a submission and its judge can break."""


class Closed(Exception):
    """The other side is gone."""


class Malformed(Exception):
    """The other side sent what no encoder writes."""
