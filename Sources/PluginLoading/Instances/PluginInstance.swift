import Arrow
import Base
import CVolley

/// One instance of a plugin's code: made by `create`, opened and closed once, destroyed once.
///
/// One thread at a time uses it, not always the same one.
final class PluginInstance {
  /// The slots that every kind begins with.
  typealias Lifecycle = @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<volley_error>?) -> Int32
  typealias Destroy = @convention(c) (UnsafeMutableRawPointer?) -> Void
  typealias Create = (
    _ host: UnsafePointer<volley_host>, _ place: UnsafePointer<volley_context>,
    _ instance: UnsafeMutablePointer<volley_instance>, _ error: UnsafeMutablePointer<volley_error>
  ) -> Int32

  private enum State { case created, opened, closed, destroyed }

  let context: InstanceContext
  /// What the plugin calls itself; may be NULL.
  let selfPointer: UnsafeMutableRawPointer?
  let error = ErrorSlot()
  private let table: UnsafeRawPointer
  private let scope: PluginScope
  /// The built pipeline or the connector, which must outlive the instance.
  private let owner: AnyObject
  private let function: String
  private var state = State.created
  private var lifecycle: (open: Lifecycle, close: Lifecycle, destroy: Destroy)?

  /// Asks the plugin for an instance.
  ///
  /// - Parameter create: calls the plugin's slot.
  init(
    _ request: InstanceRequest, scope: PluginScope, parameters: ParameterTexts, owner: AnyObject, create: Create
  ) throws(Failure) {
    self.scope = scope
    self.owner = owner
    function = request.function
    context = InstanceContext(request, scope: scope, parameters: parameters)
    var instance = volley_instance()
    instance.header = .of(volley_instance.self)
    let site = CallSite(plugin: scope.name, function: request.function, slot: "create")
    let place = try PlaceStruct(request)
    let host = context.host
    let errorPointer = error.pointer
    let status = try scope.control { () throws(Failure) in
      site.run { create(host, place.pointer, &instance, errorPointer) }
    }
    guard status == VOLLEY_OK else {
      throw error.failure(status, place: context.label, slot: "create", userKind: .usage)
    }
    selfPointer = instance.`self`
    guard let table = instance.table else {
      throw Failure(
        .plugin, "\(context.label) was made without a table: 'create' returned OK and NULL; fill 'table' in")
    }
    self.table = table
    request.host.registry.add(context)
  }

  deinit {
    // The job failed before this instance began, or elsewhere: nobody is left to hear what `close` says.
    try? close()
  }

  /// The instance's table, its header and the slots of every kind checked; call once, before `open`.
  func table<Table>(
    _: Table.Type, _ kind: InstanceRequest.Kind,
    open: (KeyPath<Table, Lifecycle?>, (UnsafePointer<Table>) -> Int32),
    close: (KeyPath<Table, Lifecycle?>, (UnsafePointer<Table>) -> Int32),
    destroy: (KeyPath<Table, Destroy?>, (UnsafePointer<Table>) -> Int32)
  ) throws(Failure) -> PluginTable<Table> {
    let table = try PluginTable(
      table.assumingMemoryBound(to: Table.self), name: kind.tableName, owner: context.label)
    try table.require(open.0, "open", open.1)
    try table.require(close.0, "close", close.1)
    try table.require(destroy.0, "destroy", destroy.1)
    guard let openSlot = table.pointer.pointee[keyPath: open.0],
      let closeSlot = table.pointer.pointee[keyPath: close.0],
      let destroySlot = table.pointer.pointee[keyPath: destroy.0]
    else { preconditionFailure("a slot that is there is not NULL") }
    lifecycle = (openSlot, closeSlot, destroySlot)
    return table
  }

  /// The place of a slot of this instance.
  func site(_ slot: String) -> CallSite { CallSite(plugin: scope.name, function: function, slot: slot) }

  // MARK: Life

  func open() throws(Failure) {
    precondition(state == .created, "an instance is opened once")
    guard let lifecycle else { preconditionFailure("an instance's table is checked before it is opened") }
    state = .opened
    do throws(Failure) {
      try run("open", lifecycle.open)
    } catch {
      // A failed `open` is a call like others for the plugin: `close` follows. The host's contract has nothing follow.
      try? close()
      throw error
    }
  }

  /// Closes and destroys the instance; a second call does nothing.
  func close() throws(Failure) {
    guard state == .created || state == .opened else { return }
    let wasOpened = state == .opened
    state = .closed
    defer { destroy() }
    if wasOpened, let lifecycle { try run("close", lifecycle.close) }
  }

  private func destroy() {
    guard state != .destroyed else { return }
    state = .destroyed
    // Without a checked table there is no slot that could be called.
    guard let lifecycle else { return }
    let (site, pointer) = (site("destroy"), selfPointer)
    site.run { lifecycle.destroy(pointer) }
  }

  /// Whether `open` was called and `close` was not.
  var isOpen: Bool { state == .opened }

  /// Runs a call that takes nothing.
  func run(_ slot: StaticString, _ call: Lifecycle) throws(Failure) {
    error.reset()
    let (site, pointer, errorPointer) = (site("\(slot)"), selfPointer, error.pointer)
    let status = site.run { call(pointer, errorPointer) }
    try finish(status, slot)
  }

  /// What a call came to; to be asked after every call.
  func finish(_ status: Int32, _ slot: StaticString) throws(Failure) {
    do throws(Failure) { try context.check() } catch {
      context.endCall(succeeded: false)
      throw error
    }
    context.endCall(succeeded: status == VOLLEY_OK)
    if status != VOLLEY_OK { throw error.failure(status, place: context.label, slot: "\(slot)") }
  }
}
