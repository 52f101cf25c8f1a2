import Glibc
import Synchronization
import TestSupport

/// The Python of this machine inside the test process, so that C structs are handed over by their address. One script at a
/// time.
public enum EmbeddedPython {
  private struct Interpreter: @unchecked Sendable {  // Pointers to functions of a library that is never unloaded.
    var enter: @convention(c) () -> Int32
    var leave: @convention(c) (Int32) -> Void
    var run: @convention(c) (UnsafePointer<CChar>) -> Int32
  }

  private static let interpreter = Mutex<Result<Interpreter, Missing>?>(nil)

  public struct Missing: Error, CustomStringConvertible {
    public var description: String
  }

  /// Runs a script, which may use `pa` and `pc`. Throws with the traceback when it raises.
  public static func run(_ script: String) throws {
    // The interpreter keeps memory to the end, which is no leak of ours.
    callIfThere("__lsan_disable")
    defer { callIfThere("__lsan_enable") }
    try interpreter.withLock { state in
      if state == nil { state = start() }
      guard let python = try state?.get() else { return }
      let state = python.enter()
      defer { python.leave(state) }
      let folder = TemporaryFolder()
      let indented = script.split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)\n" }.joined()
      let status = python.run(
        """
        import pyarrow as pa, pyarrow.compute as pc
        def script():
        \(indented)
        try:
            script()
        except BaseException:
            import traceback
            open('\(folder.file("traceback"))', 'w').write(traceback.format_exc())
        del script
        """)
      guard status == 0, folder.read("traceback") == nil else {
        throw Missing(description: String(decoding: folder.read("traceback") ?? [], as: UTF8.self))
      }
    }
  }

  /// Calls a function of the leak sanitizer, if this is a build with it.
  private static func callIfThere(_ name: String) {
    if let function = dlsym(nil, name) { unsafeBitCast(function, to: (@convention(c) () -> Void).self)() }
  }

  private static func start() -> Result<Interpreter, Missing> {
    let outcome = TestProcess.python(
      """
      import sys, sysconfig, pyarrow
      print(sysconfig.get_config_var('LIBDIR') + '/' + sysconfig.get_config_var('INSTSONAME'))
      print(sysconfig.get_config_var('INSTSONAME'))
      print(sys.base_prefix)
      print(sys.path)
      """)
    guard outcome.status == 0 else {
      return .failure(Missing(description: "python3 with the package pyarrow is needed: \(outcome.errors)"))
    }
    let lines = outcome.output.split(separator: "\n").map(String.init)
    guard let library = dlopen(lines[0], RTLD_NOW | RTLD_GLOBAL) ?? dlopen(lines[1], RTLD_NOW | RTLD_GLOBAL) else {
      return .failure(Missing(description: "\(lines[1]) is needed; on Debian, install libpython3-dev"))
    }
    func symbol<Function>(_ name: String, _: Function.Type) -> Function {
      guard let address = dlsym(library, name) else { fatalError("libpython lacks \(name)") }
      return unsafeBitCast(address, to: Function.self)
    }
    setenv("PYTHONHOME", lines[2], 1)
    symbol("Py_InitializeEx", (@convention(c) (Int32) -> Void).self)(0)
    unsetenv("PYTHONHOME")
    let python = Interpreter(
      enter: symbol("PyGILState_Ensure", (@convention(c) () -> Int32).self),
      leave: symbol("PyGILState_Release", (@convention(c) (Int32) -> Void).self),
      run: symbol("PyRun_SimpleString", (@convention(c) (UnsafePointer<CChar>) -> Int32).self))
    let status = python.run("import sys; sys.path[:] = \(lines[3]); import pyarrow, pyarrow.compute")
    _ = symbol("PyEval_SaveThread", (@convention(c) () -> UnsafeMutableRawPointer?).self)()
    return status == 0
      ? .success(python) : .failure(Missing(description: "the package pyarrow does not load inside the tests"))
  }
}
