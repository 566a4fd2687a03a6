"""A program imports many libraries and uses none of them."""

import boto3
import celery
import django
import fastapi
import flask
import grpc
import httpx
import pymongo
import redis
import requests
import sqlalchemy
import tornado.web

print(len({boto3, celery, django, fastapi, flask, grpc, httpx, pymongo, redis, requests, sqlalchemy, tornado.web}))
