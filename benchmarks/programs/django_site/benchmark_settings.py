"""Settings of the site: no database, no middleware of its own."""

SECRET_KEY = "benchmark"  # noqa: S105  (nothing is signed with it)
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "benchmark_urls"
USE_TZ = True
