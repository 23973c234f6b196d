"""`index.html`: coverage, sortable and filtered tables, figures, all in one file that needs no network."""
