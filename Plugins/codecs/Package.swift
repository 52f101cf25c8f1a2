// swift-tools-version: 6.0
import PackageDescription

let package = Package(
  name: "codecs",
  // The plugin: libcodecs.so.
  products: [.library(name: "codecs", type: .dynamic, targets: ["Codecs"])],
  dependencies: [.package(name: "volley-sdk", path: "../../sdk")],
  targets: [
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CLZ4", providers: [.apt(["liblz4-dev"])]),
    .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"])]),
    .target(
      name: "Codecs",
      dependencies: ["CZlib", "CLZ4", "CZstd", .product(name: "Volley", package: "volley-sdk")],
      linkerSettings: [
        .unsafeFlags([
          // Of all that is linked in, the plugin shows one symbol: see exports.map.
          "-Xlinker", "--version-script=\(Context.packageDirectory)/exports.map",
          // The archives rather than the shared libraries: the plugin runs where none of them is installed.
          "-Xlinker", "-l:libz.a", "-Xlinker", "-l:liblz4.a", "-Xlinker", "-l:libzstd.a",
        ])
      ]),
    .testTarget(
      name: "CodecsTests", dependencies: ["Codecs", .product(name: "Volley", package: "volley-sdk")]),
  ]
)
