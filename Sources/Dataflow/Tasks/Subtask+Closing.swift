import Base

extension Subtask {
  /// Opens what the scheduler's threads will call: sinks, operators, or the source. Not on failure: `abandon` then
  /// closes.
  func open(_ kind: OpenOrder) throws(Failure) {
    for step in steps {
      switch (kind, step) {
      case (.sinks, .sink(let node)): try node.open()
      case (.operators, .operator(let node)): try node.open()
      default: break
      }
    }
    if kind == .operators && epochs != nil { sweeps.append(.resume) }
    if kind == .sources, case .source(let source, _) = head { try source.open() }
  }

  /// All rows are on their way, or nothing is to follow the last epoch: closes everything in order.
  func end() -> RunOutcome {
    var failure: Failure?
    close(complete: true, &failure)
    if let failure { control.fail(failure) }
    control.partIsDone()
    return .done
  }

  /// The job has failed: closes everything, with nothing complete.
  func abandon() -> RunOutcome {
    closeAfterFailure()
    control.partIsDone()
    return .done
  }

  /// Closes what is open, with nothing complete. What fails on the way is not what went wrong first, so it is not told.
  func closeAfterFailure() {
    var failure: Failure?
    close(complete: false, &failure)
  }

  /// Closes each, also when one before it failed; then nothing behind it is complete.
  private func close(complete: Bool, _ failure: inout Failure?) {
    if case .source(let source, _) = head {
      do throws(Failure) { try source.close() } catch { failure = failure ?? error }
    }
    for step in steps {
      do throws(Failure) {
        switch step {
        case .operator(let node): try node.close()
        case .sink(let node): try node.close(complete: complete && failure == nil && !control.hasFailed)
        case .feed: break
        }
      } catch { failure = failure ?? error }
    }
  }
}
