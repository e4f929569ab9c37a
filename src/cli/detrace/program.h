// ovn-detrace(1): the program.

#pragma once

namespace weft::cli::detrace {

int run(int argc, char** argv);

}  // namespace weft::cli::detrace
