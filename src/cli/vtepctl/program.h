// vtep-ctl(8).

#pragma once

namespace weft::cli::vtepctl {

int run(int argc, char** argv);

}  // namespace weft::cli::vtepctl
