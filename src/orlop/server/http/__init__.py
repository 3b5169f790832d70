"""HTTP/1.1 for ASGI applications, for one worker: connections, requests, answers. Parsing is llhttp's, by httptools.

Nothing here knows of registries. What it offers beyond ASGI is the extension for files (`http.response.zerocopysend`),
and answers at once.
"""

from orlop.server.http.house import Application, AtOnce, Message, OnUnread, Receive, Send, Unread, Whole
from orlop.server.http.listener import HttpServer, Terms

__all__ = ["Application", "AtOnce", "HttpServer", "Message", "OnUnread", "Receive", "Send", "Terms", "Unread", "Whole"]
