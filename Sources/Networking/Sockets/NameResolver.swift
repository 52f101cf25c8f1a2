import Base
import Glibc

/// Finds the addresses of names on threads of its own, because the system's way to ask may wait for as long as it likes.
public final class NameResolver: Sendable {
  /// Asks the system (getaddrinfo(3)), at most four names at a time.
  public static let system = NameResolver(threads: 4) { name throws(Failure) in
    try NameResolver.askSystem(name, port: 0, flags: 0)
  }

  /// Finds a name's addresses; their port does not matter. May block.
  public typealias LookUp = @Sendable (_ name: String) throws(Failure) -> [SocketAddress]

  private struct Waiting {
    var questions: [NameQuestion] = []
    var threads = 0
  }

  private let waiting = Monitor(Waiting())
  private let threadLimit: Int
  private let lookUp: LookUp
  /// Questions that wait at most; one more is refused.
  private static let limit = 1_024

  public init(threads: Int, _ lookUp: @escaping LookUp) {
    threadLimit = max(1, threads)
    self.lookUp = lookUp
  }

  /// Answers on the loop's thread, later, once: with one address at least, with why there is none, or at the deadline. Not
  /// when the returned question is cancelled first.
  func resolve(
    _ target: Endpoint, on loop: EventLoop, until deadline: MonotonicTime,
    _ answer: @escaping (Result<[SocketAddress], Failure>) -> Void
  ) -> NameQuestion {
    loop.assertCurrent()
    let question = NameQuestion(target, loop, deadline, answer)
    let (isTaken, needsThread) = waiting.withLock { waiting in
      guard waiting.questions.count < Self.limit else { return (false, false) }
      waiting.questions.append(question)
      guard waiting.threads < threadLimit else { return (true, false) }
      waiting.threads += 1
      return (true, true)
    }
    if !isTaken {
      question.answerLater(
        .failure(Failure(.io, retryable: true, "\(Self.limit) names wait for their addresses: try again later")))
    } else if needsThread {
      startThread(question)
    }
    return question
  }

  private func startThread(_ question: NameQuestion) {
    do throws(Failure) {
      try OSThread(name: "name resolver") { [self] in work() }.detach()
    } catch {
      waiting.withLock { waiting in
        waiting.threads -= 1
        // Another thread may have taken it; if not, nobody would.
        if waiting.threads == 0 { waiting.questions.removeAll { $0 === question } }
      }
      question.answerLater(.failure(error))
    }
  }

  /// A thread's body: answers questions until none waits.
  private func work() {
    while true {
      let question = waiting.withLock { waiting -> NameQuestion? in
        guard !waiting.questions.isEmpty else {
          waiting.threads -= 1
          return nil
        }
        return waiting.questions.removeFirst()
      }
      guard let question else { return }
      guard MonotonicTime.now < question.deadline else { continue }
      let answer: Result<[SocketAddress], Failure>
      do throws(Failure) {
        let found = try lookUp(question.target.host)
        answer =
          found.isEmpty
          ? .failure(Failure(.io, retryable: true, "the name '\(question.target.host)' has no address"))
          : .success(found.map { SocketAddress($0.address, port: question.target.port) })
      } catch {
        answer = .failure(error)
      }
      question.answerLater(answer)
    }
  }

  /// Asks the system, and blocks for as long as that takes.
  static func askSystem(_ name: String, port: UInt16, flags: Int32) throws(Failure) -> [SocketAddress] {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = flags
    var found: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(name.isEmpty ? nil : name, String(port), &hints, &found)
    guard status == 0 else {
      let code = errno
      let reason = status == EAI_SYSTEM ? systemText(code) : String(cString: gai_strerror(status))
      throw Failure(
        .io, retryable: true,
        "the name '\(name)' could not be resolved (\(reason)); check its spelling, /etc/hosts and the name server")
    }
    defer { freeaddrinfo(found) }
    var addresses: [SocketAddress] = []
    var entry = found
    while let info = entry?.pointee {
      if let pointer = info.ai_addr, let address = SocketAddress(pointer, info.ai_addrlen),
        !addresses.contains(address)
      {
        addresses.append(address)
      }
      entry = info.ai_next
    }
    return addresses
  }
}

/// A name that somebody on a loop waits for. `answer` and `timer` belong to the loop's thread, which is what makes it `Sendable`.
final class NameQuestion: @unchecked Sendable {
  let target: Endpoint
  let deadline: MonotonicTime
  private let loop: EventLoop
  /// Nil once it was called or cancelled.
  private var answer: ((Result<[SocketAddress], Failure>) -> Void)?
  private var timer: LoopTimer?

  init(
    _ target: Endpoint, _ loop: EventLoop, _ deadline: MonotonicTime,
    _ answer: @escaping (Result<[SocketAddress], Failure>) -> Void
  ) {
    self.target = target
    self.loop = loop
    self.deadline = deadline
    self.answer = answer
    timer = loop.timer { [weak self] in
      self?.finish(
        .failure(
          Failure(
            .io, retryable: true,
            "the address of '\(target.host)' was not found in time; check the name server, or give the address in digits"
          )
        ))
    }
    timer?.set(at: deadline)
  }

  func cancel() {
    answer = nil
    timer?.cancel()
  }

  /// From any thread. When the loop has ended, so has who asked.
  func answerLater(_ result: Result<[SocketAddress], Failure>) { loop.execute { [self] in finish(result) } }

  private func finish(_ result: Result<[SocketAddress], Failure>) {
    guard let answer else { return }
    cancel()
    answer(result)
  }
}
