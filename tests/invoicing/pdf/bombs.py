"""Workers that misbehave in the way their documents ask for. Run as PdfProcess children by test_pool."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time

from portal.invoicing.pdf.document import InvoiceDocument
from portal.invoicing.pdf.worker import Render, serve


def misbehave(document: InvoiceDocument) -> bytes:
    how = document.number
    if how == "sleep":
        time.sleep(60)
    if how == "spin":
        while True:
            pass
    if how == "memory":
        return b"".join(bytes(bytearray(b"x" * 2**20)) for _ in range(1024))
    if how == "native-memory":
        libc = ctypes.CDLL(None)
        libc.malloc.restype = ctypes.c_void_p
        if not libc.malloc(ctypes.c_size_t(600 * 2**20)):
            raise MemoryError
    return OTHERS[how](document) if how in OTHERS else b"%PDF fine " + str(os.getpid()).encode()


def die(_document: InvoiceDocument) -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def connect(_document: InvoiceDocument) -> bytes:
    with socket.create_connection(("127.0.0.1", 9), timeout=1):
        return b"connected"


def run_program(_document: InvoiceDocument) -> bytes:
    return subprocess.check_output(["true"])


def leak(_document: InvoiceDocument) -> bytes:
    raise ValueError("secret text of the document")


def print_noise(_document: InvoiceDocument) -> bytes:
    os.write(1, b"noise on standard output")
    return b"%PDF quiet"


def show_environment(_document: InvoiceDocument) -> bytes:
    return "\n".join(os.environ).encode()


OTHERS = {
    "die": die,
    "connect": connect,
    "run": run_program,
    "leak": leak,
    "print": print_noise,
    "environment": show_environment,
}


def load() -> Render:
    return misbehave


if __name__ == "__main__":
    serve(int(sys.argv[1]), float(sys.argv[2]), load)
