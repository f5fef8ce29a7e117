"""The web app, composed: the portal and its pages. Served by ``gunicorn -c portal/gunicorn_conf.py wsgi:app``."""

from blueprints import PAGES
from portal.app import create_app

app = create_app("web", blueprints=PAGES)
