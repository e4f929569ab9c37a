// ovn-nbctl(8).

#pragma once

namespace weft::cli::nbctl {

int run(int argc, char** argv);

}  // namespace weft::cli::nbctl
