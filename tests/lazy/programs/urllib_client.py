"""urllib asks a server on loopback, by functions that the program has imported by name."""

from urllib.error import HTTPError
from urllib.request import Request, build_opener, urlopen

import _loopback

with _loopback.http() as url:
    print(urlopen(url).read())
    print(build_opener().open(Request(url, method="PUT", data=b"{}")).status)
    try:
        urlopen(f"{url}/missing")
    except HTTPError as error:
        print(error.code)
