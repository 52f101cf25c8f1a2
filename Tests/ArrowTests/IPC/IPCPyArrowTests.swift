import Arrow
import ArrowTestSupport
import Base
import TestSupport
import Testing
import VolleyPlan

/// The values take another way than the bytes: the C data interface.
@Suite("pyarrow and Arrow IPC, in one process")
struct IPCPyArrowTests {
  @Test("reads the values that were written, of every type, slice and number of rows")
  func writing() throws {
    var generator = SeededGenerator()
    for (length, nulls, offset) in [(0, 0, 0), (1, 1, 0), (9, 3, 5), (64, 0, 8), (200, 4, 13), (1000, 2, 1)] {
      let folder = TemporaryFolder()
      let batch = IPCBatches.random(length, nulls: nulls, offset: offset, &generator)
      let stream = folder.write("stream", try IPCBatches.stream(IPCSchema(batch.schema.fields), [batch]))
      let file = folder.write("file", try IPCBatches.file(IPCSchema(batch.schema.fields), [batch, batch]))
      for script in [
        "reader = pa.ipc.open_stream('\(stream)')\nbatch = reader.read_next_batch()",
        "reader = pa.ipc.open_file('\(file)')\nassert reader.num_record_batches == 2\nbatch = reader.get_batch(1)",
      ] {
        let read = try PyArrow.exchange([], script + "\nbatch.validate(full=True)\nreturn batch")
        #expect(read == batch, "\(generator)")
      }
    }
  }

  @Test("writes the values that are read, of every type, slice and number of rows")
  func reading() throws {
    var generator = SeededGenerator()
    for (length, nulls, offset) in [(0, 0, 0), (1, 1, 0), (9, 3, 5), (64, 0, 8), (200, 4, 13), (1000, 2, 1)] {
      let folder = TemporaryFolder()
      let batch = IPCBatches.random(length, nulls: nulls, offset: offset, &generator)
      _ = try PyArrow.exchange(
        [batch],
        """
        for kind, make in [('stream', pa.ipc.new_stream), ('file', pa.ipc.new_file)]:
            with make('\(folder.path)/' + kind, batches[0].schema) as writer:
                writer.write_batch(batches[0])
                writer.write_batch(batches[0].slice(\(length / 3)))
        return batches[0]
        """)
      for kind in ["stream", "file"] {
        let read = try IPCBatches.read(MappedFile(folder.file(kind)).bytes)
        #expect(read == [batch, batch.slice((length / 3)..<length)], "\(kind) \(generator)")
      }
    }
  }
}
