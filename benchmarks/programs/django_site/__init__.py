"""A Django site with one page. Its folder is on PYTHONPATH."""
