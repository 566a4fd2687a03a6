"""The routes of the programs that show Django."""

import logging

from django.db import connection
from django.http import HttpResponse
from django.urls import path


def index(request):
    logging.getLogger("shop").warning("asked for the index")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 6 * 7")
        return HttpResponse(str(cursor.fetchone()[0]))


def item(request, number):
    return HttpResponse(f"item {number}")


async def quick(request):
    return HttpResponse("quick")


urlpatterns = [path("", index), path("items/<int:number>/", item), path("quick/", quick)]
