// ovn-trace(8): the program.

#pragma once

namespace weft::cli::trace {

int run(int argc, char** argv);

}  // namespace weft::cli::trace
