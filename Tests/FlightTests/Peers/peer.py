"""Protobuf's own library beside Volley's codec. Reads commands from standard input, one a line, and answers each on one.

    dump NAME HEX      the message's fields as canonical JSON
    random NAME SEED   a message with random fields, as hexadecimal digits
    unframe IN OUT     the file IN, messages FlightData as gRPC carries them, becomes OUT, an Arrow stream; answers the descriptors
                       and the metadata
    frame IN OUT       the file IN, an Arrow stream, becomes OUT, messages FlightData as gRPC carries them
    get IN OUT         what pyarrow.flight's client makes of the messages FlightData in IN becomes OUT, an Arrow stream; answers
                       the metadata
    put IN OUT         what pyarrow.flight's client makes of IN, an Arrow stream, becomes OUT, messages FlightData as gRPC carries
                       them; answers what the client read of one PutResult
"""
import importlib, json, os, random, struct, sys, tempfile

try:
    from grpc_tools import protoc
    from google.protobuf import json_format, timestamp_pb2
    from google.protobuf.descriptor import FieldDescriptor as F
except ImportError as error:
    sys.exit(f'the Python package grpcio-tools is needed ({error}); install it with pip')

here = os.path.dirname(os.path.abspath(__file__))


def compiled():
    with tempfile.TemporaryDirectory() as folder:
        includes = os.path.join(os.path.dirname(protoc.__file__), '_proto')
        status = protoc.main(['protoc', '-I' + here, '-I' + includes, '--python_out=' + folder, 'flight.proto'])
        if status != 0:
            sys.exit('flight.proto does not compile')
        sys.path.insert(0, folder)
        return importlib.import_module('flight_pb2')


def number(field, source):
    bits = source.choice([1, 7, 8, 31, 32, 63, 64])
    value = source.getrandbits(bits)
    if field.type in (F.TYPE_INT64, F.TYPE_SINT64, F.TYPE_SFIXED64):
        return value - (1 << 63) if bits == 64 else -value if source.random() < 0.5 and bits < 64 else value
    if field.type == F.TYPE_INT32:
        return value % (1 << 32) - (1 << 31)
    return value % (1 << 32) if field.type == F.TYPE_FIXED32 else value


def value(field, source, depth):
    if field.type == F.TYPE_BYTES:
        return source.randbytes(source.choice([0, 1, 5, 127, 128, 300]))
    if field.type == F.TYPE_STRING:
        return ''.join(chr(source.choice([0x41, 0x20, 0xE4, 0x20AC, 0x1F642])) for _ in range(source.choice([0, 1, 60])))
    if field.type == F.TYPE_BOOL:
        return source.random() < 0.5
    if field.type == F.TYPE_DOUBLE:
        return source.choice([0.0, -0.0, 0.5, 1.0, 1e300])
    if field.type == F.TYPE_ENUM:
        # Numbers without a name too.
        return source.choice([0, 1, 2, 3, 77, -1])
    return number(field, source)


def fill(message, source, depth=0):
    for field in message.DESCRIPTOR.fields:
        if source.random() < 0.3 or depth > 4:
            continue
        target = getattr(message, field.name)
        repeated = hasattr(target, 'append') or hasattr(target, 'add')
        for _ in range(source.randrange(4) if repeated else 1):
            if field.type == F.TYPE_MESSAGE:
                inner = target.add() if repeated else target
                inner.SetInParent() if not repeated else None
                fill(inner, source, depth + 1)
            elif repeated:
                target.append(value(field, source, depth))
            else:
                setattr(message, field.name, value(field, source, depth))
    return message


def unframe(source, target):
    told = []
    with open(source, 'rb') as file, open(target, 'wb') as stream:
        for content in framed(file):
            data = messages.FlightData.FromString(content)
            if data.HasField('flight_descriptor') or data.app_metadata:
                told.append([list(data.flight_descriptor.path), data.app_metadata.decode()])
            if data.data_header:
                assert len(data.data_header) % 8 == 0
                stream.write(struct.pack('<Ii', 0xFFFFFFFF, len(data.data_header)) + data.data_header + data.data_body)
        stream.write(struct.pack('<Ii', 0xFFFFFFFF, 0))
    return json.dumps(told, separators=(',', ':'))


def frame(source, target):
    import pyarrow.ipc
    with open(source, 'rb') as stream, open(target, 'wb') as file:
        for number, message in enumerate(pyarrow.ipc.MessageReader.open_stream(stream)):
            data = messages.FlightData(data_header=message.metadata.to_pybytes())
            if message.body is not None:
                data.data_body = message.body.to_pybytes()
            data.app_metadata = b'%d' % number
            content = data.SerializeToString()
            file.write(struct.pack('>BI', 0, len(content)) + content)
    return ''


def framed(file):
    while prefix := file.read(5):
        flag, length = struct.unpack('>BI', prefix)
        content = file.read(length)
        assert flag == 0 and len(content) == length
        yield content


def served(method, handler):
    """A server whose one method takes and gives the bytes of messages as they are, and pyarrow's client of it."""
    import concurrent.futures, grpc, pyarrow.flight
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2), options=[('grpc.max_receive_message_length', -1)])
    handlers = {method: grpc.stream_stream_rpc_method_handler(handler)}
    service = 'arrow.flight.protocol.FlightService'
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, handlers)])
    port = server.add_insecure_port('127.0.0.1:0')
    server.start()
    return server, pyarrow.flight.connect(f'grpc://127.0.0.1:{port}')


def get(source, target):
    import pyarrow.flight
    with open(source, 'rb') as file:
        calls = list(framed(file))
    server, client = served('DoGet', lambda requests, context: iter(calls))
    with client, open(target, 'wb') as stream:
        reader = client.do_get(pyarrow.flight.Ticket(b''))
        told = []
        with pyarrow.ipc.new_stream(stream, reader.schema) as writer:
            for chunk in reader:
                told.append(chunk.app_metadata and chunk.app_metadata.to_pybytes().decode())
                if chunk.data is not None:
                    writer.write_batch(chunk.data)
    server.stop(None)
    return json.dumps(told, separators=(',', ':'))


def put(source, target):
    import pyarrow.flight
    calls = []
    def handler(requests, context):
        for request in requests:
            calls.append(request)
        yield messages.PutResult(app_metadata=b'stored').SerializeToString()
    server, client = served('DoPut', handler)
    with client, open(source, 'rb') as stream, open(target, 'wb') as file:
        batches = pyarrow.ipc.open_stream(stream)
        writer, reader = client.do_put(pyarrow.flight.FlightDescriptor.for_path('p', 'q'), batches.schema)
        for number, batch in enumerate(batches):
            writer.write_with_metadata(batch, b'%d' % number)
        writer.write_metadata(b'last')
        writer.done_writing()
        answer = reader.read().to_pybytes().decode()
        writer.close()
        for content in calls:
            file.write(struct.pack('>BI', 0, len(content)) + content)
    server.stop(None)
    return answer


files = {'frame': frame, 'unframe': unframe, 'get': get, 'put': put}
messages = compiled()
for line in sys.stdin:
    command, name, argument = (line.rstrip('\n').split(' ') + [''])[:3]
    if command in files:
        print(files[command](name, argument))
        continue
    message = getattr(messages, name)()
    if command == 'dump':
        message.ParseFromString(bytes.fromhex(argument))
        fields = json_format.MessageToDict(message, preserving_proto_field_name=True, use_integers_for_enums=True)
        print(json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(',', ':')))
    else:
        source = random.Random(int(argument))
        print(fill(message, source).SerializeToString(deterministic=True).hex())
