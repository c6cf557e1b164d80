"""The status page of a running server, at ``/``: what runs, what waits, what went wrong. Behind the admin token.

``pages.add_dashboard`` adds it to an application. The server draws every page; a small script only asks again.
"""
