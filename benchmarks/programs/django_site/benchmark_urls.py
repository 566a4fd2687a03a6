"""The one page."""
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.urls import path


def item(request: HttpRequest, number: int) -> JsonResponse:
    """Return the number."""
    return JsonResponse({"number": number})


urlpatterns = [path("items/<int:number>/", item)]
