#include "CSDKArchive.h"

// #embed is C23; clang knows it in every mode.
#pragma clang diagnostic ignored "-Wc23-extensions"
#include "files.inc"

const sdk_archive_file *const sdk_archive_files = files;
const size_t sdk_archive_count = sizeof files / sizeof *files;
