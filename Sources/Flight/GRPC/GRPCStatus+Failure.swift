import Base

extension GRPCStatus {
  /// What a peer is told of a failure here. Clients of Flight make of the code what they raise: pyarrow an
  /// `ArrowInvalid` of INVALID_ARGUMENT, a `FlightUnavailableError`, which is tried again, of UNAVAILABLE.
  public init(_ failure: Failure) {
    self.init(failure.grpcCode, failure.message)
  }
}

extension Failure {
  fileprivate var grpcCode: GRPCStatus.Code {
    switch kind {
    case .usage, .data: .invalidArgument
    case .noInput: .notFound
    case .plugin: .failedPrecondition
    case .unavailable: .unavailable
    case .software: .internal
    case .io: retryable ? .unavailable : .internal
    case .memory: .resourceExhausted
    }
  }

  /// What a call that ended with a status other than OK is here.
  ///
  /// - Parameter place: what was called, as the message names it: "the Flight server grpc://data:50051, DoGet".
  public init(_ status: GRPCStatus, at place: String) {
    precondition(!status.isOK, "a call that went well is no failure")
    let (kind, retryable) = status.code.failure
    self.init(kind, domain: kind == .io ? .external : nil, retryable: retryable, "\(place) answered \(status)")
  }
}

extension GRPCStatus.Code {
  /// Whether a call again later may help is gRPC's own advice: UNAVAILABLE, and what its documents say to try at a
  /// higher level.
  fileprivate var failure: (Failure.Kind, retryable: Bool) {
    switch self {
    case .invalidArgument, .outOfRange, .dataLoss: (.data, false)
    case .unauthenticated, .permissionDenied, .unimplemented, .failedPrecondition: (.usage, false)
    case .notFound: (.noInput, false)
    case .alreadyExists: (.unavailable, false)
    case .unavailable: (.unavailable, true)
    case .deadlineExceeded, .resourceExhausted, .aborted: (.io, true)
    case .ok, .cancelled, .unknown, .internal: (.io, false)
    }
  }
}
