"""Patterns of users: ``lines`` reads them, ``safety`` refuses what may take long, ``index`` finds many at once."""
