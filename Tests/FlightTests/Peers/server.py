"""pyarrow.flight's server for Volley's client: prints its port, and ends when its standard input does.

With the argument "header" it knows users by the head of their handshake, with "message" by a message of it, else it knows nobody.
"""
import os
import sys
import threading
import time

try:
    import pyarrow as pa
    import pyarrow.flight as flight
except ImportError as error:
    sys.exit(f'the Python package pyarrow is needed ({error}); install it with pip')

login = sys.argv[1] if len(sys.argv) > 1 else ''


class Headers(flight.ServerMiddlewareFactory):
    """Keeps what the client sent with a call."""

    class Kept(flight.ServerMiddleware):
        def __init__(self, headers, token):
            self.headers = headers
            self.token = token

        def sending_headers(self):
            return {'authorization': 'Bearer ' + self.token} if self.token else {}

    def start_call(self, info, headers):
        token = None
        if login == 'header':
            scheme, _, value = headers.get('authorization', [''])[0].partition(' ')
            if scheme == 'Basic':
                import base64
                if base64.b64decode(value) != b'ada:secret':
                    raise flight.FlightUnauthenticatedError('a wrong password')
                token = 'token-of-ada'
            elif (scheme, value) != ('Bearer', 'token-of-ada'):
                raise flight.FlightUnauthenticatedError('who are you?')
        return self.Kept(headers, token)


class Anybody(flight.ServerAuthHandler):
    def authenticate(self, outgoing, incoming):
        pass

    def is_valid(self, token):
        return ''


class Users(flight.ServerAuthHandler):
    def authenticate(self, outgoing, incoming):
        auth = flight.BasicAuth.deserialize(incoming.read())
        if (auth.username, auth.password) != (b'ada', b'secret'):
            raise flight.FlightUnauthenticatedError('a wrong password')
        outgoing.write(b'token-of-ada')

    def is_valid(self, token):
        if token != b'token-of-ada':
            raise flight.FlightUnauthenticatedError('who are you?')
        return b'ada'


class Server(flight.FlightServerBase):
    def __init__(self):
        handler = {'header': Anybody(), 'message': Users()}.get(login)
        super().__init__('grpc://127.0.0.1:0', auth_handler=handler, middleware={'headers': Headers()})
        self.flights = {}
        # How calls ended that clients gave up.
        self.cancelled = []

    def info(self, name):
        if name not in self.flights:
            raise KeyError(f"there is no flight '{name}' – über")
        table = self.flights[name]
        descriptor = flight.FlightDescriptor.for_path(name)
        endpoint = flight.FlightEndpoint(name.encode(), ['grpc://elsewhere:1'])
        return flight.FlightInfo(table.schema, descriptor, [endpoint], table.num_rows, -1)

    @staticmethod
    def name(descriptor):
        return (descriptor.path[0] if descriptor.path else descriptor.command).decode()

    def list_flights(self, context, criteria):
        return iter([self.info(name) for name in sorted(self.flights) if name.startswith(criteria.decode())])

    def get_flight_info(self, context, descriptor):
        return self.info(self.name(descriptor))

    def get_schema(self, context, descriptor):
        return flight.SchemaResult(self.flights[self.name(descriptor)].schema)

    def do_get(self, context, ticket):
        name = ticket.ticket.decode()
        if name.startswith('endless'):
            schema = pa.schema([('x', pa.int64())])
            return flight.GeneratorStream(schema, self.endless(context, schema))
        if name.startswith('slow'):
            schema = pa.schema([('x', pa.int64())])
            return flight.GeneratorStream(schema, self.slow(schema, float(name.split()[1])))
        if name.startswith('broken'):
            schema = pa.schema([('x', pa.int64())])
            return flight.GeneratorStream(schema, self.broken(schema))
        if name not in self.flights:
            raise KeyError(f"there is no flight '{name}'")
        table = self.flights[name]
        if name.startswith('metadata'):
            batches = ((batch, f'{i}'.encode()) for i, batch in enumerate(table.to_batches()))
            return flight.GeneratorStream(table.schema, batches)
        return flight.RecordBatchStream(table)

    def endless(self, context, schema):
        batch = pa.record_batch([pa.array(range(8192), pa.int64())], schema)
        try:
            while True:
                yield batch
        finally:
            # Nobody asks for more of it.
            self.cancelled.append('get')

    def slow(self, schema, seconds):
        yield pa.record_batch([pa.array([1], pa.int64())], schema)
        time.sleep(seconds)
        yield pa.record_batch([pa.array([2], pa.int64())], schema)

    def broken(self, schema):
        yield pa.record_batch([pa.array([1], pa.int64())], schema)
        raise flight.FlightUnavailableError('broken in the middle')

    def do_put(self, context, descriptor, reader, writer):
        batches = []
        for chunk in reader:
            metadata = chunk.app_metadata.to_pybytes() if chunk.app_metadata else b''
            if chunk.data is None:
                writer.write(metadata)
                continue
            batches.append(chunk.data)
            writer.write(f'{chunk.data.num_rows} rows, '.encode() + metadata)
        self.flights[self.name(descriptor)] = pa.Table.from_batches(batches, reader.schema)

    def do_exchange(self, context, descriptor, reader, writer):
        writer.begin(reader.schema)
        for chunk in reader:
            if chunk.data is None:
                writer.write_metadata(chunk.app_metadata)
            elif chunk.app_metadata:
                writer.write_with_metadata(chunk.data, chunk.app_metadata)
            else:
                writer.write_batch(chunk.data)

    def list_actions(self, context):
        return [('echo', 'gives back what it is given, in pieces'), ('fail', '')]

    def do_action(self, context, action):
        body = action.body.to_pybytes()
        if action.type == 'echo':
            return [bytes([byte]) for byte in body]
        if action.type == 'many':
            return (bytes([index % 251]) * 4_096 for index in range(2_000))
        if action.type == 'who':
            return [context.peer_identity()]
        if action.type == 'headers':
            headers = context.get_middleware('headers').headers
            return [f'{name}='.encode() + (value if isinstance(value, bytes) else value.encode())
                    for name, values in sorted(headers.items()) if name.startswith('x-') for value in values]
        if action.type == 'cancelled':
            return [name.encode() for name in self.cancelled]
        if action.type == 'wait':
            return self.wait_for_cancellation(context)
        if action.type == 'fail':
            kinds = {b'1': flight.FlightCancelledError, b'2': pa.ArrowException, b'3': pa.ArrowInvalid,
                     b'4': flight.FlightTimedOutError, b'5': KeyError, b'7': flight.FlightUnauthorizedError,
                     b'12': NotImplementedError, b'13': flight.FlightInternalError, b'14': flight.FlightUnavailableError,
                     b'16': flight.FlightUnauthenticatedError}
            raise kinds[body]('it fails: 100 % – "über"')
        raise NotImplementedError(f"there is no action '{action.type}'")

    def wait_for_cancellation(self, context):
        yield b'begun'
        while not context.is_cancelled():
            time.sleep(0.01)
        self.cancelled.append('action')


server = Server()
print(server.port, flush=True)
sys.stdin.read()
# Whatever calls wait for.
os._exit(0)
