"""pyarrow.flight with TLS, as a client or as a server.

tls.py client PORT AUTHORITY [CERTIFICATE KEY]   puts a table and gets it again; prints "good" or the error
tls.py server CERTIFICATE KEY [AUTHORITY]        prints its port, keeps what it is put, and ends when its standard input does; with an
                                                 authority it asks clients for a certificate
"""
import sys
import threading

try:
    import pyarrow as pa
    import pyarrow.flight as flight
except ImportError as error:
    sys.exit(f'the Python package pyarrow is needed ({error}); install it with pip')


def read(path):
    with open(path, 'rb') as file:
        return file.read()


class Server(flight.FlightServerBase):
    stored = None

    def do_put(self, context, descriptor, reader, writer):
        self.stored = reader.read_all()

    def do_get(self, context, ticket):
        return flight.RecordBatchStream(self.stored)


kind, first, second, *others = sys.argv[1:]
if kind == 'server':
    verifies = {'verify_client': True, 'root_certificates': read(others[0])} if others else {}
    server = Server('grpc+tls://127.0.0.1:0', tls_certificates=[(read(first), read(second))], **verifies)
    print(server.port, flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
    server.serve()
else:
    shown = {'cert_chain': read(others[0]), 'private_key': read(others[1])} if others else {}
    options = flight.FlightCallOptions(timeout=600)
    data = pa.table({'c0': pa.array(range(100_000), pa.int64())})
    try:
        client = flight.connect(f'grpc+tls://localhost:{first}', tls_root_certs=read(second), **shown)
        writer, _ = client.do_put(flight.FlightDescriptor.for_path('a'), data.schema, options)
        writer.write_table(data, max_chunksize=10_000)
        writer.close()
        assert client.do_get(flight.Ticket(b'a'), options).read_all().equals(data)
    except flight.FlightError as error:
        print(type(error).__name__, error)
    else:
        print('good')
