"""Passwords, sessions, guards, forgery protection, headers, the audit chain."""

from flask import Flask

from portal.security.browser_sessions import init_browser_sessions
from portal.security.forgery import init_forgery_protection
from portal.security.headers import init_headers


def init_security(app: Flask) -> None:
    """Bind everything that protects a request; guards themselves sit on the routes."""
    init_browser_sessions(app)
    init_forgery_protection(app)
    init_headers(app)
