"""grpcio against Volley's server, with calls of its own: calls.py PORT CHECK…, prints what it found, one line a check."""
import importlib
import os
import sys
import tempfile

try:
    import grpc
    from grpc_tools import protoc
except ImportError as error:
    sys.exit(f'the Python package grpcio-tools is needed ({error}); install it with pip')

here = os.path.dirname(os.path.abspath(__file__))
with tempfile.TemporaryDirectory() as folder:
    includes = os.path.join(os.path.dirname(protoc.__file__), '_proto')
    if protoc.main(['protoc', '-I' + here, '-I' + includes, '--python_out=' + folder, 'flight.proto']) != 0:
        sys.exit('flight.proto does not compile')
    sys.path.insert(0, folder)
    messages = importlib.import_module('flight_pb2')

target = f'127.0.0.1:{sys.argv[1]}'
channel = grpc.insecure_channel(target)
flight = '/arrow.flight.protocol.FlightService/'
health = '/grpc.health.v1.Health/'


def unary(path, answer, on=channel):
    return on.unary_unary(path, lambda message: message.SerializeToString(), answer.FromString)


def stream(path, answer, on=channel):
    return on.unary_stream(path, lambda message: message.SerializeToString(), answer.FromString)


def fails(code, text, body):
    try:
        body()
    except grpc.RpcError as error:
        assert error.code() == code and text in error.details(), (error.code(), error.details())
        return
    assert False, 'nothing was raised'


def check():
    call = unary(health + 'Check', messages.HealthCheckResponse)
    for service in ['', 'arrow.flight.protocol.FlightService']:
        assert call(messages.HealthCheckRequest(service=service), timeout=600).status == 1
    fails(grpc.StatusCode.NOT_FOUND, "there is no service 'x'",
          lambda: call(messages.HealthCheckRequest(service='x'), timeout=600))


def watch():
    serve = stream(flight + 'DoAction', messages.ActionResult)
    call = stream(health + 'Watch', messages.HealthCheckResponse)(messages.HealthCheckRequest(), timeout=600)
    unknown = stream(health + 'Watch', messages.HealthCheckResponse)(messages.HealthCheckRequest(service='x'), timeout=600)
    assert next(call).status == 1 and next(unknown).status == 3
    for status in [2, 1, 2]:
        assert list(serve(messages.Action(type='serve', body=bytes([status])), timeout=600)) == []
        assert next(call).status == status
    call.cancel()
    unknown.cancel()
    list(serve(messages.Action(type='serve', body=b'\1'), timeout=600))


def poll():
    call = unary(flight + 'PollFlightInfo', messages.PollInfo)
    answer = call(messages.FlightDescriptor(type=1, path=['a']), timeout=600)
    assert answer.progress == 1 and answer.info.total_records == 3 and not answer.HasField('flight_descriptor'), answer
    fails(grpc.StatusCode.NOT_FOUND, "there is no flight 'none'",
          lambda: call(messages.FlightDescriptor(type=1, path=['none']), timeout=600))


def gzip():
    with grpc.insecure_channel(target, compression=grpc.Compression.Gzip) as compressed:
        call = stream(flight + 'DoAction', messages.ActionResult, compressed)
        fails(grpc.StatusCode.UNIMPLEMENTED, "'gzip'",
              lambda: list(call(messages.Action(type='echo', body=b'x' * 10_000), timeout=600)))
    # Others are served.
    check()


def limit():
    with grpc.insecure_channel(target, options=[('grpc.max_send_message_length', -1)]) as large:
        call = stream(flight + 'DoAction', messages.ActionResult, large)
        fails(grpc.StatusCode.RESOURCE_EXHAUSTED, 'at most 16777216 are taken',
              lambda: list(call(messages.Action(type='echo', body=b'x' * (17 << 20)), timeout=600)))
    check()


def unknown():
    fails(grpc.StatusCode.UNIMPLEMENTED, "there is no method '/a.B/C'",
          lambda: unary('/a.B/C', messages.Empty)(messages.Empty(), timeout=600))


for name in sys.argv[2:]:
    globals()[name]()
    print(name, flush=True)
