import Arrow
import Base
import Dataflow
import Observability
import VolleyPlan

extension BuiltinConnectors {
  static func generator(
    _ options: inout ConnectorOptions, _ schema: Schema, _ label: String
  ) throws(Failure) -> SourceFactory {
    let plan = try GeneratorPlan(&options, schema: schema)
    return SourceFactory(label: label, maximumParallelism: nil) { context throws(Failure) in
      try GeneratorSource(plan, context)
    }
  }

  static func files(
    _ format: String, _ options: inout ConnectorOptions, _ schema: Schema, _ badRecords: Plan.BadRecords,
    _ label: String, _ uid: String, _ codecs: CodecSet, _ log: EventLog?
  ) throws(Failure) -> SourceFactory {
    let patterns = try options.requiredStrings("path", meaning: "the path or pattern of the files to read")
    let text = try TextFormat(format, &options, schema)
    // Read when the plan is made, and here checked.
    if format != "lines" { _ = try SampleOptions(&options) }
    let place = options.place
    let compression = try InputCompression(&options, codecs, uid: uid)
    let policy = BadRecordPolicy(badRecords, place: place)
    let journal = SourceJournal(uid: uid, log: log)
    // Quoted line ends make it impossible to tell where a row of CSV begins without reading all before it.
    let isSplittable = format != "csv"
    let interleaved = try interleaved(&options)
    let isWatched = try options.bool("watch", default: false)
    let use = FileUse(
      reads: ReadFiles(place: place, paths: patterns, isWatched: isWatched), writes: policy.files(uid: uid))
    if isWatched {
      let files = WatchedFiles(
        patterns: patterns, place: place, isSplittable: isSplittable, policy: policy, journal: journal,
        compression: compression)
      return SourceFactory(label: label, maximumParallelism: nil, files: use, counter: policy.counter) {
        context throws(Failure) in
        func source(_ inputs: TextSource.Inputs) throws(Failure) -> TextSource {
          try TextSource(
            inputs, decoder: text.makeDecoder(journal), schema: schema, policy: policy,
            maxRecordBytes: text.maxRecordBytes, journal: journal, metrics: context.metrics, compression: compression)
        }
        guard let interleaved else { return try source(.watched(files)) }
        return try InterleavedSource(interleaved, watched: files) { () throws(Failure) in
          guard let split = try files.take() else { return nil }
          return try source(.splits([split]))
        }
      }
    }
    let files = FileSet(patterns: patterns, place: place, isSplittable: isSplittable, compression: compression)
    return SourceFactory(label: label, maximumParallelism: nil, files: use, counter: policy.counter) {
      context throws(Failure) in
      let all = try files.splits()
      let splits = FileSplit.assigned(all, to: context.id.index, of: context.parallelism)
      func source(_ splits: [FileSplit]) throws(Failure) -> any Source {
        try TextSource(
          .splits(splits), decoder: text.makeDecoder(journal), schema: schema, policy: policy,
          maxRecordBytes: text.maxRecordBytes, journal: journal, metrics: context.metrics, compression: compression)
      }
      guard let interleaved else { return try source(splits) }
      return try InterleavedSource(
        interleaved,
        next: InterleavedSource.byFile(splits, path: { $0.path }) { (file) throws(Failure) in try source(file) })
    }
  }

  /// Files that an instance reads at once; nil: one after the other.
  private static func interleaved(_ options: inout ConnectorOptions) throws(Failure) -> Int? {
    let count = try options.int("interleave", in: 1...1024) ?? 1
    return count > 1 ? Int(count) : nil
  }

  static func arrowFiles(
    _ format: String, _ options: inout ConnectorOptions, _ schema: Schema, _ label: String, _ uid: String,
    _ codecs: CodecSet, _ log: EventLog?
  ) throws(Failure) -> SourceFactory {
    let patterns = try options.requiredStrings("path", meaning: "the path or pattern of the files to read")
    let place = options.place
    let reading = arrowReading(codecs, uid)
    let interleaved = try interleaved(&options)
    let isWatched = try options.bool("watch", default: false)
    let use = FileUse(reads: ReadFiles(place: place, paths: patterns, isWatched: isWatched), writes: nil)
    if isWatched {
      let files = WatchedFiles(
        patterns: patterns, place: place, isSplittable: false, policy: BadRecordPolicy(.stop, place: place),
        journal: SourceJournal(uid: uid, log: log))
      return SourceFactory(label: label, maximumParallelism: nil, files: use) { _ throws(Failure) in
        if let interleaved {
          return try InterleavedSource(interleaved, watched: files) { () throws(Failure) in
            guard let file = try files.take() else { return nil }
            guard format == "arrow" else {
              return try ArrowStreamSource([file.path], stdin: nil, schema: schema, place: place, options: reading)
            }
            let splits = try ArrowSplit.splits(of: [file], options: reading)
            return try ArrowFileSource(splits, schema: schema, options: reading)
          }
        }
        guard format == "arrow" else {
          return try ArrowStreamSource(
            [], watched: files, stdin: nil, schema: schema, place: place, options: reading)
        }
        return try ArrowFileSource([], watched: files, schema: schema, options: reading)
      }
    }
    let files = FileSet(patterns: patterns, place: place, isSplittable: false)
    if format == "arrowstream" {
      return SourceFactory(label: label, maximumParallelism: nil, files: use) { context throws(Failure) in
        let own = FileSplit.assigned(try files.splits(), to: context.id.index, of: context.parallelism)
        func source(_ paths: [String]) throws(Failure) -> any Source {
          try ArrowStreamSource(paths, stdin: nil, schema: schema, place: place, options: reading)
        }
        guard let interleaved else { return try source(own.map(\.path)) }
        return try InterleavedSource(
          interleaved,
          next: InterleavedSource.byFile(own.map(\.path), path: { $0 }) { (file) throws(Failure) in try source(file) })
      }
    }
    return SourceFactory(label: label, maximumParallelism: nil, files: use) { context throws(Failure) in
      let all = try ArrowSplit.splits(of: try files.splits(), options: reading)
      let own = all.enumerated().filter { $0.offset % context.parallelism == context.id.index }.map(\.element)
      guard let interleaved else { return try ArrowFileSource(own, schema: schema, options: reading) }
      return try InterleavedSource(
        interleaved,
        next: InterleavedSource.byFile(own, path: { $0.path }) { (file) throws(Failure) in
          try ArrowFileSource(file, schema: schema, options: reading)
        })
    }
  }

  static func arrowReading(_ codecs: CodecSet, _ uid: String) -> IPCReadOptions {
    var reading = IPCReadOptions()
    reading.codecs = codecs
    reading.uid = uid
    return reading
  }

  static func standardInput(
    _ options: inout ConnectorOptions, _ schema: Schema, _ badRecords: Plan.BadRecords, _ label: String,
    _ uid: String, _ codecs: CodecSet, _ log: EventLog?
  ) throws(Failure) -> SourceFactory {
    guard let format = try options.choice("format", of: ["csv", "jsonlines", "lines", "arrowstream"]) else {
      throw Failure(
        .usage, "\(options.place): the option 'format' is missing; give one of csv, jsonlines, lines, arrowstream")
    }
    if format == "arrowstream" {
      let place = options.place
      let reading = arrowReading(codecs, uid)
      let use = FileUse(reads: ReadFiles(stdinOf: place), writes: nil)
      return SourceFactory(label: label, maximumParallelism: 1, files: use) { _ throws(Failure) in
        try ArrowStreamSource(
          [], stdin: InputFile(descriptor: 0, name: "stdin"), schema: schema, place: place, options: reading)
      }
    }
    let text = try TextFormat(format, &options, schema)
    let compression = try InputCompression(&options, codecs, uid: uid)
    let policy = BadRecordPolicy(badRecords, place: options.place)
    let journal = SourceJournal(uid: uid, log: log)
    let use = FileUse(reads: ReadFiles(stdinOf: options.place), writes: policy.files(uid: uid))
    return SourceFactory(label: label, maximumParallelism: 1, files: use, counter: policy.counter) {
      context throws(Failure) in
      try TextSource(
        .stdin(InputFile(descriptor: 0, name: "stdin")), decoder: text.makeDecoder(journal), schema: schema,
        policy: policy,
        maxRecordBytes: text.maxRecordBytes, journal: journal, metrics: context.metrics, compression: compression)
    }
  }
}

/// A text format's options, checked against the schema.
struct TextFormat: Sendable {
  private let name: String
  private let schema: Schema
  private let dialect: CSVDialect
  let maxRecordBytes: Int

  init(_ name: String, _ options: inout ConnectorOptions, _ schema: Schema) throws(Failure) {
    self.name = name
    self.schema = schema
    dialect = name == "csv" ? try options.csvDialect() : CSVDialect()
    try BuiltinConnectors.checkTypes(schema.fields, isRead: true, nests: name != "csv", options.place)
    maxRecordBytes = Int(try options.int("maxRecordBytes", in: 1...(1 << 30)) ?? 16 << 20)
    guard name != "lines" || (schema.fields.count == 1 && schema.fields[0].type == .utf8) else {
      throw Failure(
        .usage, "\(options.place): the schema is \(schema), expected a single utf8 column, which takes each line")
    }
  }

  func makeDecoder(_ journal: SourceJournal) -> any RecordDecoder {
    switch name {
    case "csv": CSVDecoder(schema: schema, dialect: dialect, journal: journal)
    case "jsonlines": JSONLinesDecoder(fields: schema.fields)
    default: LinesDecoder(column: schema.fields[0])
    }
  }
}
