/// Both ends of pyarrow's Flight, which is the one of C++ over gRPC, as a program for Python.
///
/// What can be done without Python for each batch is: a stored table is sent whole, and only a receiver takes one batch
/// after the other, as users do. It counts their rows; their first columns are summed up when it is told to check, which is
/// not timed, so that pyarrow has the better of the comparison with Volley, which always sums up.
enum PyarrowScript {
  static let text = #"""
    import os, signal, socket, sys, threading, time
    # Who started this one ends it, also when Ctrl-C ends that.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    role, parent, lines = sys.argv[1], int(sys.argv[2]), socket.socket(fileno=int(sys.argv[3]))
    if os.getppid() != parent:
        sys.exit()
    source = lines.makefile('r')

    def say(text):
        lines.sendall((str(text).replace('\n', ' ') + '\n').encode())

    try:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.flight as flight
    except ImportError as error:
        say(f'missing {error}')
        sys.exit()

    schema = pa.schema([(f'c{column}', pa.int64()) for column in range(4)])
    kept = {}

    def table(rows, count):
        """A table of so many times the same batch, kept as long as it is asked for."""
        if (rows, count) not in kept:
            columns = [pa.array(range(column, rows * 4 + column, 4), pa.int64()) for column in range(4)]
            kept.clear()
            kept[rows, count] = pa.Table.from_batches([pa.record_batch(columns, schema=schema)] * count)
        return kept[rows, count]

    class Tally:
        def __init__(self, checks):
            self.rows, self.sum, self.checks = 0, 0, checks

        def add(self, batch):
            self.rows += batch.num_rows
            if self.checks:
                self.sum = (self.sum + pc.sum(batch.column(0)).as_py()) % (1 << 64)

        def __str__(self):
            return f'{self.rows} {self.sum}'

    class Server(flight.FlightServerBase):
        def do_get(self, context, ticket):
            return flight.RecordBatchStream(table(*map(int, ticket.ticket.split())))

        def do_put(self, context, descriptor, reader, writer):
            tally = Tally(descriptor.path[0] == b'check')
            for chunk in reader:
                tally.add(chunk.data)
            writer.write(str(tally).encode())

        def do_exchange(self, context, descriptor, reader, writer):
            begun = False
            for chunk in reader:
                if chunk.data is None:
                    writer.write_metadata(chunk.app_metadata)
                    continue
                if not begun:
                    writer.begin(schema)
                    begun = True
                writer.write_batch(chunk.data)

    def put(client, rows, count, checks):
        data = table(rows, count)
        start = time.perf_counter()
        writer, reader = client.do_put(flight.FlightDescriptor.for_path('check' if checks else 'count'), schema)
        writer.write_table(data)
        writer.done_writing()
        told = reader.read().to_pybytes().decode()
        writer.close()
        return f'{time.perf_counter() - start} {told}'

    def get(client, rows, count, checks):
        tally = Tally(checks)
        start = time.perf_counter()
        for chunk in client.do_get(flight.Ticket(f'{rows} {count}'.encode())):
            tally.add(chunk.data)
        return f'{time.perf_counter() - start} {tally}'

    def exchange(client, rows, count, checks):
        data, tally = table(rows, count), Tally(checks)
        start = time.perf_counter()
        writer, reader = client.do_exchange(flight.FlightDescriptor.for_path('echo'))

        def send():
            writer.begin(schema)
            writer.write_table(data)
            writer.done_writing()

        thread = threading.Thread(target=send)
        thread.start()
        for chunk in reader:
            tally.add(chunk.data)
        thread.join()
        writer.close()
        return f'{time.perf_counter() - start} {tally}'

    def trips(client, count):
        """The median of so many round trips of a message of one byte: pyarrow sends no empty ones."""
        writer, reader = client.do_exchange(flight.FlightDescriptor.for_path('echo'))
        times = []
        for _ in range(count):
            start = time.perf_counter()
            writer.write_metadata(b'.')
            reader.read_chunk()
            times.append(time.perf_counter() - start)
        writer.done_writing()
        writer.close()
        return sorted(times)[count // 2] * 1e6

    if role == 'server':
        with open(sys.argv[4], 'rb') as certificate, open(sys.argv[5], 'rb') as key:
            pair = (certificate.read(), key.read())
        plain = Server('grpc://127.0.0.1:0')
        secure = Server('grpc+tls://127.0.0.1:0', tls_certificates=[pair])
        say(f'{plain.port} {secure.port}')
        source.readline()
        os._exit(0)

    with open(sys.argv[6], 'rb') as certificate:
        roots = certificate.read()
    clients = {
        'plain': flight.FlightClient(f'grpc://127.0.0.1:{sys.argv[4]}'),
        'tls': flight.FlightClient(f'grpc+tls://127.0.0.1:{sys.argv[5]}', tls_root_certs=roots),
    }
    say(f'pyarrow {pa.__version__}')
    for line in source:
        word, kind, *numbers = line.split()
        try:
            say({'put': put, 'get': get, 'exchange': exchange, 'trips': trips}[word](clients[kind], *map(int, numbers)))
        except Exception as error:
            say(f'failed {error!r}')
    """#
}
