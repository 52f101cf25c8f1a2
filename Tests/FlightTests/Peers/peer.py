"""Protobuf's own library beside Volley's codec. Reads commands from standard input, one a line, and answers each on one.

    dump NAME HEX      the message's fields as canonical JSON
    random NAME SEED   a message with random fields, as hexadecimal digits
    unframe IN OUT     the file IN, messages FlightData as gRPC carries them, becomes OUT, an Arrow stream; answers the descriptors
                       and the metadata
    frame IN OUT       the file IN, an Arrow stream, becomes OUT, messages FlightData as gRPC carries them
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
        while prefix := file.read(5):
            flag, length = struct.unpack('>BI', prefix)
            content = file.read(length)
            assert flag == 0 and len(content) == length
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


messages = compiled()
for line in sys.stdin:
    command, name, argument = (line.rstrip('\n').split(' ') + [''])[:3]
    if command in ('frame', 'unframe'):
        print({'frame': frame, 'unframe': unframe}[command](name, argument))
        continue
    message = getattr(messages, name)()
    if command == 'dump':
        message.ParseFromString(bytes.fromhex(argument))
        fields = json_format.MessageToDict(message, preserving_proto_field_name=True, use_integers_for_enums=True)
        print(json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(',', ':')))
    else:
        source = random.Random(int(argument))
        print(fill(message, source).SerializeToString(deterministic=True).hex())
