"""pyarrow.flight's client against Volley's server: client.py PORT CHECK…, prints what it found, one line a check."""
import sys
import threading

try:
    import pyarrow as pa
    import pyarrow.flight as flight
except ImportError as error:
    sys.exit(f'the Python package pyarrow is needed ({error}); install it with pip')

port = sys.argv[1]
client = flight.connect(f'grpc://localhost:{port}')
options = flight.FlightCallOptions(timeout=600)


def table(rows, columns=4):
    return pa.table({f'c{index}': pa.array(range(index, index + rows), pa.int64()) for index in range(columns)})


def put(name, data, chunk=None):
    writer, reader = client.do_put(flight.FlightDescriptor.for_path(name), data.schema, options)
    writer.write_table(data, max_chunksize=chunk) if chunk else writer.write_table(data)
    writer.done_writing()
    acknowledged = []
    while (buffer := reader.read()) is not None:
        acknowledged.append(buffer.to_pybytes().decode())
    writer.close()
    return acknowledged


def get(name):
    return client.do_get(flight.Ticket(name.encode()), options).read_all()


def methods():
    data = table(1000)
    assert put('a-thousand', data, 300) == ['300 rows, ', '300 rows, ', '300 rows, ', '100 rows, ']
    assert get('a-thousand').equals(data)
    info = client.get_flight_info(flight.FlightDescriptor.for_path('a-thousand'), options)
    assert info.schema == data.schema and info.total_records == 1000 and info.endpoints[0].ticket.ticket == b'a-thousand'
    assert client.get_schema(flight.FlightDescriptor.for_command(b'a-thousand'), options).schema == data.schema
    put('b', table(1))
    assert [i.descriptor.path for i in client.list_flights(options=options)] == [[b'a-thousand'], [b'b']]
    assert [i.descriptor.path for i in client.list_flights(b'b', options=options)] == [[b'b']]
    assert [(a.type, a.description) for a in client.list_actions(options)] == [
        ('echo', 'gives back what it is given, in pieces'), ('fail', '')]
    assert [r.body.to_pybytes() for r in client.do_action(flight.Action('echo', b'xyz'), options)] == [b'x', b'y', b'z']
    assert sum(r.body.size for r in client.do_action(flight.Action('many', b''), options)) == 2_000 * 4_096


def put_metadata():
    data = table(10)
    writer, reader = client.do_put(flight.FlightDescriptor.for_path('metadata'), data.schema, options)
    for index, batch in enumerate(data.to_batches(max_chunksize=2)):
        writer.write_with_metadata(batch, f'batch {index}'.encode())
        assert reader.read().to_pybytes() == f'2 rows, batch {index}'.encode()
    writer.write_metadata(b'alone')
    assert reader.read().to_pybytes() == b'alone'
    writer.close()
    metadata = [chunk.app_metadata.to_pybytes() for chunk in client.do_get(flight.Ticket(b'metadata'), options)]
    assert metadata == [b'0', b'1', b'2', b'3', b'4'], metadata


def exchange():
    for rows in [1, 1024, 8192, 65536]:
        data = table(rows)
        batch = data.to_batches()[0]
        writer, reader = client.do_exchange(flight.FlightDescriptor.for_path('echo'), options)
        with writer:
            writer.begin(data.schema)

            def write():
                for index in range(20):
                    writer.write_with_metadata(batch, b'%d' % index)
                writer.done_writing()

            thread = threading.Thread(target=write)
            thread.start()
            for index in range(20):
                chunk = reader.read_chunk()
                assert chunk.app_metadata.to_pybytes() == b'%d' % index and chunk.data.equals(batch)
            try:
                reader.read_chunk()
                assert False, 'there is more'
            except StopIteration:
                pass
            thread.join()


def sizes():
    empty = table(0)
    assert put('empty', empty) in ([], ['0 rows, ']) and get('empty').num_rows == 0 and get('empty').schema == empty.schema
    put('one', table(1))
    assert get('one').equals(table(1))
    # 64 MB in one message.
    large = table(2_000_000)
    assert put('large', large) == ['2000000 rows, ']
    assert get('large').equals(large)
    texts = pa.table({'d': pa.array(['x', 'y', None, 'x'] * 500).dictionary_encode(), 't': pa.array(['ä' * 1000, None] * 1000)})
    put('texts', texts, 100)
    assert get('texts').equals(texts)


def errors():
    def raises(kind, text, body):
        try:
            body()
        except kind as error:
            assert text in str(error), error
            return
        assert False, 'nothing was raised'

    fail = lambda code: lambda: list(client.do_action(flight.Action('fail', b'%d' % code), options))
    text = 'it fails: 100 % – "über"'
    for code, kind in [(1, flight.FlightCancelledError), (3, pa.ArrowInvalid), (4, flight.FlightTimedOutError), (5, pa.ArrowKeyError),
                       (6, pa.ArrowException), (7, flight.FlightUnauthorizedError), (12, pa.ArrowNotImplementedError), (13, flight.FlightInternalError),
                       (14, flight.FlightUnavailableError), (16, flight.FlightUnauthenticatedError), (2, pa.ArrowException)]:
        raises(kind, text, fail(code))
    raises(pa.ArrowKeyError, "there is no flight 'none'", lambda: get('none'))
    raises(pa.ArrowKeyError, 'über', lambda: client.get_flight_info(flight.FlightDescriptor.for_path('none'), options))
    raises(pa.ArrowNotImplementedError, "there is no action 'x'", lambda: list(client.do_action(flight.Action('x', b''), options)))
    # The deadline passes while the action waits: on a busy machine it takes long until the action has begun.
    timeout, began = 0.3, []
    while not began:
        wait = client.do_action(flight.Action('wait', b''), flight.FlightCallOptions(timeout=timeout))
        raises(flight.FlightTimedOutError, '', lambda: began.extend(wait))
        timeout *= 2


def cancels():
    reader = client.do_get(flight.Ticket(b'endless'), options)
    for _ in range(3):
        reader.read_chunk()
    reader.cancel()
    try:
        while True:
            reader.read_chunk()
    except flight.FlightCancelledError:
        pass
    # The connection is as good as before.
    assert get('one').num_rows == 1


def metadata():
    sent = flight.FlightCallOptions(timeout=600, headers=[(b'x-text', b'some words'), (b'x-raw-bin', bytes(range(256)))])
    got = [r.body.to_pybytes() for r in client.do_action(flight.Action('metadata', b''), sent)]
    assert got == [b'x-raw-bin=' + bytes(range(256)), b'x-text=some words'], got


def login():
    token = client.authenticate_basic_token('ada', 'secret')
    who = lambda *headers: [r.body.to_pybytes() for r in client.do_action(
        flight.Action('who', b''), flight.FlightCallOptions(timeout=600, headers=list(headers)))]
    assert who(token) == [b'ada']
    assert who((b'authorization', b'Bearer fixed')) == [b'machine']
    for headers in [[], [(b'authorization', b'Bearer wrong')], [(b'authorization', b'Digest x')]]:
        try:
            who(*headers)
            assert False, f'{headers} are taken'
        except flight.FlightUnauthenticatedError:
            pass
    try:
        client.authenticate_basic_token('ada', 'wrong')
        assert False, 'a wrong password is taken'
    except flight.FlightUnauthenticatedError as error:
        assert "there is no user 'ada' with that password" in str(error), error

    class Handler(flight.ClientAuthHandler):
        """The older way: user and password in a message."""

        def authenticate(self, outgoing, incoming):
            outgoing.write(flight.BasicAuth(b'ada', b'secret').serialize())
            self.token = incoming.read()

        def get_token(self):
            return self.token

    other = flight.connect(f'grpc://localhost:{port}')
    other.authenticate(Handler(), options)
    assert [r.body.to_pybytes() for r in other.do_action(flight.Action('who', b''), options)] == [b'ada']


for check in sys.argv[2:]:
    globals()[check]()
    print(check, flush=True)
