"""From a plan to a cluster that is up, and what is remembered of it: records, locks, launches, jobs."""

__all__: list[str] = []
