"""The report: what the measurements came to, as Markdown with plots and as one HTML page."""

__all__: list[str] = []
