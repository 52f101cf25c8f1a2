import Base
import CVolley
import Glibc

/// What the host offers to instances, by id and revision. The tables are made once and live as long as the process; the
/// instance is found through the `volley_host` that comes with each call.
enum HostInterfaces {
  /// The slot `interface` of every `volley_host`.
  static let find: @convention(c) (UnsafePointer<volley_host>?, UnsafePointer<CChar>?) -> UnsafeRawPointer? = { _, id in
    guard let id else { return nil }
    for (known, table) in tables where strcmp(id, known) == 0 { return table }
    return nil
  }

  // Never changed after they were made.
  nonisolated(unsafe) private static let tables: [(UnsafePointer<CChar>, UnsafeRawPointer)] = [
    (permanent(VOLLEY_INTERFACE_EMIT), permanent(volley_emit(header: .of(volley_emit.self), emit: emit))),
    (permanent(VOLLEY_INTERFACE_LOG), permanent(volley_log(header: .of(volley_log.self), log: log))),
    (permanent(VOLLEY_INTERFACE_METRICS), permanent(volley_metrics(header: .of(volley_metrics.self), add: add))),
    (
      permanent(VOLLEY_INTERFACE_PARAMETERS),
      permanent(volley_parameters(header: .of(volley_parameters.self), value: value))
    ),
    (permanent(VOLLEY_INTERFACE_KEYED_STATE), permanent(keyedState)),
    (permanent(VOLLEY_INTERFACE_TIMERS), permanent(timers)),
    (permanent(VOLLEY_INTERFACE_ASYNC), permanent(async)),
    (permanent(VOLLEY_INTERFACE_CLOCK), permanent(volley_clock(header: .of(volley_clock.self), now: now))),
    (permanent(VOLLEY_INTERFACE_RANDOM), permanent(volley_random(header: .of(volley_random.self), next: next))),
  ]

  private static func permanent(_ id: String) -> UnsafePointer<CChar> {
    id.withCString { UnsafePointer(strdup($0)!) }  // Out of memory at start: nothing else would work either.
  }

  private static func permanent<Table>(_ table: Table) -> UnsafeRawPointer {
    let pointer = UnsafeMutablePointer<Table>.allocate(capacity: 1)
    pointer.initialize(to: table)
    return UnsafeRawPointer(pointer)
  }

  // MARK: emit/1

  private static let emit:
    @convention(c) (
      UnsafePointer<volley_host>?, UInt32, UnsafeMutablePointer<ArrowArray>?, UnsafeMutablePointer<volley_error>?
    ) -> Int32 = { host, output, batch, slot in
      guard let context = InstanceContext.of(host) else {
        if let batch { ArrayLedger.takeBack(batch) }
        return VOLLEY_FAILED
      }
      do throws(Failure) {
        try context.emit(batch, output: output)
        return VOLLEY_OK
      } catch {
        return report(error, to: slot)
      }
    }

  // MARK: log/1

  private static let log: @convention(c) (UnsafePointer<volley_host>?, UInt32, UnsafePointer<CChar>?, UInt64) -> Void =
    {
      host, level, text, length in
      let text = PluginText.repaired(text, length: length, limit: InstanceContext.logLimit)
      InstanceContext.of(host)?.log(PluginEvent.Level(rawValue: level) ?? .error, text)
    }

  // MARK: metrics/1

  private static let add:
    @convention(c) (
      UnsafePointer<volley_host>?, UnsafePointer<CChar>?, UInt64, UnsafeMutablePointer<volley_error>?
    ) -> Int32 = { host, name, delta, slot in
      guard let context = InstanceContext.of(host) else { return VOLLEY_FAILED }
      do throws(Failure) {
        try context.addToCounter(name, delta)
        return VOLLEY_OK
      } catch {
        return report(error, to: slot)
      }
    }

  // MARK: clock/1 and random/1

  private static let now: @convention(c) (UnsafePointer<volley_host>?) -> Int64 = { host in
    InstanceContext.of(host)?.now.microseconds ?? 0
  }

  private static let next: @convention(c) (UnsafePointer<volley_host>?) -> UInt64 = { host in
    InstanceContext.of(host)?.random.next() ?? 0
  }

  // MARK: parameters/1

  private static let value:
    @convention(c) (UnsafePointer<volley_host>?, UnsafePointer<CChar>?) -> UnsafePointer<CChar>? = { host, name in
      guard let name, let context = InstanceContext.of(host) else { return nil }
      return context.parameters.text(of: String(cString: name))
    }
}
