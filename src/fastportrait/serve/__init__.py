"""Serving: the phone app to browsers, and masks over HTTP. `fastportrait app`, `fastportrait serve`.

frontend: the built app, and building it; assets: its files, read once; headers: what goes with each;
site: the server's answers; authority: HTTPS for a local network; export: the same for any static host;
api: a picture in, its cut-out or mask out; running: address, port, start and stop.
"""
