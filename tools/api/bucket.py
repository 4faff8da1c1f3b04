"""A bucket for tests: keeps what is written, gives it back, asks nobody who they are. Prints its address when it listens."""

import http.server
import sys


class Bucket(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    objects = {}

    def do_PUT(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.objects[self.path.partition("?")[0]] = self.rfile.read(length)
        self.answer(200)

    def do_GET(self):
        body = self.objects.get(self.path.partition("?")[0])
        if body is None:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            self.answer(200, body)

    do_HEAD = do_GET

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
sys.stdout.close()
server.serve_forever()
