import Base
import CVolley
import Glibc

/// A plugin's file, found fit to be loaded: nothing of it has run.
struct PluginFile {
  /// Absolute, without links.
  var path: String
  var note: PluginNote
  /// The libraries that it needs, as it names them.
  var needed: [String]

  /// The name of the Swift runtime's library.
  static let swiftCore = "libswiftCore.so"
  static let buildRemedy = "build a plugin with 'swift build' or ./build.sh in a package made by 'volley-host new'"

  /// Looks at the file at `path`.
  static func inspect(_ path: String) throws(Failure) -> PluginFile {
    let file = try MappedFile(path)
    let resolved = file.resolvedPath
    let bytes = ByteView(bytes: file.bytes)
    if let stranger = Stranger.of(bytes.bytes) {
      throw Failure(
        .plugin, "'\(path)' is not a plugin: it is \(stranger), not an ELF shared object; \(buildRemedy)")
    }
    let image: ElfImage
    do {
      try checkMachineWidth(bytes, path)
      image = try ElfImage(
        bytes, noteOwner: PluginNote.owner, noteType: VOLLEY_NOTE_TYPE, section: PluginNote.section,
        symbol: Plugin.rootSymbol)
    } catch let damage as ByteView.Damage {
      throw Failure(
        .plugin, "'\(path)' is not a plugin: it is a damaged ELF file, \(damage.what); build or copy it again")
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(.software, "reading '\(path)' failed: \(error)")
    }
    try checkMachine(image, path)
    let note = try checkNote(image, path)
    guard image.exportsSymbol else {
      throw Failure(
        .plugin,
        "plugin '\(path)' exports no function '\(Plugin.rootSymbol)', where a host begins; export it with "
          + "@c(volley_plugin_root) in Swift, or as a function with default visibility in C")
    }
    try LibrarySearch(image, pluginPath: resolved).check(path, builtWith: note.builtWith)
    return PluginFile(path: resolved, note: note, needed: image.needed)
  }

  private static func checkMachineWidth(_ bytes: ByteView, _ path: String) throws {
    let width: UInt8 = try bytes.integer(4, "header")
    let order: UInt8 = try bytes.integer(5, "header")
    if width == 2 && order == 1 { return }
    let kind = width == 1 ? "a 32-bit" : order == 2 ? "a big-endian" : "an unknown"
    throw Failure(
      .plugin, "plugin '\(path)' is built for \(kind) machine, this one is \(Machine.name); build it on \(Machine.name)"
    )
  }

  private static func checkMachine(_ image: ElfImage, _ path: String) throws(Failure) {
    guard image.type == ElfImage.Constant.sharedObject else {
      let kind =
        switch image.type {
        case 1: "an object file"
        case 2: "an executable"
        case 4: "a core dump"
        default: "an ELF file of type \(image.type)"
        }
      throw Failure(.plugin, "'\(path)' is not a plugin: it is \(kind), not an ELF shared object; \(buildRemedy)")
    }
    guard image.machine == Machine.number else {
      throw Failure(
        .plugin,
        "plugin '\(path)' is built for \(Machine.name(of: image.machine)), this machine is \(Machine.name); build it on \(Machine.name)"
      )
    }
  }

  /// Whether the host may run what the note speaks of; every sentence names both versions.
  private static func checkNote(_ image: ElfImage, _ path: String) throws(Failure) -> PluginNote {
    guard let first = image.notes.first else {
      throw Failure(
        .plugin,
        "'\(path)' is not a plugin: it is a shared object without the note '\(PluginNote.section)'; link the Volley SDK, or "
          + "write VOLLEY_DEFINE_NOTE once in a plugin in C")
    }
    let note: PluginNote
    do {
      note = try PluginNote(descriptor: first)
      for other in image.notes.dropFirst() where try PluginNote(descriptor: other) != note {
        throw Failure(
          .plugin,
          "plugin '\(path)' has \(image.notes.count) notes '\(PluginNote.section)' that differ; link one SDK, once")
      }
    } catch let fault as PluginNote.Fault {
      let expected = "0x\(String(VOLLEY_NOTE_MAGIC, radix: 16))"
      switch fault {
      case .magic(let magic):
        throw Failure(
          .plugin,
          "plugin '\(path)' has a note '\(PluginNote.section)' with the magic 0x\(String(magic, radix: 16)), expected \(expected); build it again with the Volley SDK"
        )
      case .short(let count):
        throw Failure(
          .plugin,
          "plugin '\(path)' has a note '\(PluginNote.section)' of \(count) bytes, expected 124; build it again with the Volley SDK"
        )
      }
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(.software, "reading the note of '\(path)' failed: \(error)")
    }
    try checkVersions(note, path)
    return note
  }

  /// Minors of major 0 whose plugins this host runs: 1.0 has all that the last of them had, as it was.
  private static let preliminaryMinors: ClosedRange<UInt16> = 1...5

  private static func checkVersions(_ note: PluginNote, _ path: String) throws(Failure) {
    let host = "\(VOLLEY_ABI_MAJOR).\(VOLLEY_ABI_MINOR)"
    let plugin = "plugin '\(path)' was built for plugin ABI \(note.abiMajor).\(note.abiMinor) (\(note.builtWith))"
    let major = UInt16(VOLLEY_ABI_MAJOR)
    let rebuild = "build it again with this host's SDK ('volley-host sdk update')"
    if note.abiMajor > major {
      throw Failure(.plugin, "\(plugin), this host runs \(host); use a newer volley-host, or \(rebuild)")
    }
    let isPreliminary = note.abiMajor < major
    if isPreliminary && note.abiMinor < preliminaryMinors.lowerBound {
      let oldest = "\(note.abiMajor).\(preliminaryMinors.lowerBound)"
      throw Failure(.plugin, "\(plugin), this host runs \(oldest) to \(host); use an older volley-host, or \(rebuild)")
    }
    if note.hostMinorMinimum > (isPreliminary ? preliminaryMinors.upperBound : UInt16(VOLLEY_ABI_MINOR)) {
      let needed = "\(note.abiMajor).\(note.hostMinorMinimum)"
      throw Failure(
        .plugin,
        "\(plugin) and needs a host of \(needed) or newer, this host runs \(host); use a newer volley-host, or \(rebuild)"
      )
    }
  }
}

/// This machine, in the words of ELF.
enum Machine {
  #if arch(x86_64)
    static let number: UInt16 = 62
    static let libraryFolder = "x86_64-linux-gnu"
  #elseif arch(arm64)
    static let number: UInt16 = 183
    static let libraryFolder = "aarch64-linux-gnu"
  #endif
  static var name: String { name(of: number) }

  static func name(of number: UInt16) -> String {
    switch number {
    case 3: "i386"
    case 40: "arm"
    case 62: "x86_64"
    case 183: "aarch64"
    case 243: "riscv64"
    default: "ELF machine \(number)"
    }
  }
}
