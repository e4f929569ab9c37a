// ovn-ic-nbctl(8).

#pragma once

namespace weft::cli::ic_nbctl {

int run(int argc, char** argv);

}  // namespace weft::cli::ic_nbctl
