import Arrow
import Base

@testable import Flight

/// The bytes of a call that carries batches, whole and in pieces: what comes of them has to be the same.
func readFlight(_ input: UnsafeRawBufferPointer) {
  let whole = CallReading(input, piece: max(1, input.count))
  let parts = CallReading(input, piece: 1 + Int(input.last ?? 0))
  precondition(whole == parts, "a call in pieces is another one than the whole")
}

/// What a call comes to.
private struct CallReading: Equatable {
  var digest: UInt64 = 0
  var messages = 0
  var failure: String?

  init(_ input: UnsafeRawBufferPointer, piece: Int) {
    var options = IPCReadOptions()
    // Small, so that a length which is not checked before memory is taken breaks the fuzzer's bound.
    options.headerBytes = 1 << 20
    options.bodyBytes = 1 << 20
    var decoder = FlightDataDecoder(limit: 1 << 30)
    var reader = FlightBatchReader(options: options)
    do {
      var start = 0
      while start < input.count {
        var rest = UnsafeRawBufferPointer(rebasing: input[start..<min(start + piece, input.count)])
        start += rest.count
        while !rest.isEmpty {
          guard let data = try decoder.next(&rest) else { continue }
          messages += 1
          switch try reader.take(data) {
          case .batch(let batch, let metadata):
            digest = digest &* 31 &+ ArrowIPC.digest(of: batch) &+ UInt64(metadata.count)
          case .schema(_, let metadata), .appMetadata(let metadata): digest = digest &* 31 &+ UInt64(metadata.count)
          case nil: break
          }
        }
      }
      try decoder.finish()
    } catch let status as GRPCStatus {
      failure = status.description
    } catch let error as Failure {
      failure = error.message
    } catch {
      preconditionFailure("a refusal is a status or a failure")
    }
    precondition(failure != "", "a refusal says why")
  }
}

/// A choice, and what it is taken for: a message of protobuf, the lines of a head, or messages of gRPC.
func readGRPC(_ input: UnsafeRawBufferPointer) {
  var choices = Choices(input)
  switch choices.next() {
  case 0: readMessage(FlightInfo.self, choices.rest)
  case 1: readMessage(PollInfo.self, choices.rest)
  case 2: readMessage(FlightEndpoint.self, choices.rest)
  case 3: readMessage(FlightDescriptor.self, choices.rest)
  case 4: readHead(choices.rest)
  default: readFrames(&choices)
  }
}

/// What was read is written and read again as the same.
private func readMessage<Message: ProtobufMessage>(_: Message.Type, _ bytes: UnsafeRawBufferPointer) {
  do {
    let written = try Message(protobuf: bytes).serialized()
    let again = try Message(protobuf: written).serialized()
    precondition(again == written, "a message that is read again is another one")
  } catch {
    precondition(!error.message.isEmpty, "a refusal says why")
  }
}

private func readHead(_ bytes: UnsafeRawBufferPointer) {
  let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
  var headers: GRPCHeaders = []
  for line in lines {
    // The colon of a pseudo field is of its name.
    let colon = line.dropFirst().firstIndex(of: ":") ?? line.endIndex
    headers.append((String(line[..<colon]), String(line[colon...].drop { $0 == ":" || $0 == " " })))
  }
  if let head = try? GRPCRequestHead(headers) {
    let again = try? GRPCRequestHead(head.headers(isSecure: false))
    precondition(again?.path == head.path, "a path that was read is written")
  }
  _ = try? GRPCResponseHead(headers)
  let trailers = GRPCTrailers(headers)
  let again = GRPCTrailers(GRPCTrailers(trailers.status).headers)
  precondition(again.status.code == trailers.status.code, "a status that was read is written")
}

private func readFrames(_ choices: inout Choices) {
  let piece = 1 + choices.next()
  var decoder = GRPCMessageDecoder(limit: 1 << 20, encoding: "gzip")
  var rest = choices.rest
  do {
    while !rest.isEmpty {
      var part = UnsafeRawBufferPointer(rebasing: rest.prefix(piece))
      let count = part.count
      while !part.isEmpty { _ = try decoder.next(&part) }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
    }
    try decoder.finish()
  } catch {
    precondition(!error.message.isEmpty, "a refusal says why")
  }
}
