// The one binary.  It acts as the program it is called as (argv[0], through a link) or, called
// `weft NAME ...`, as NAME.

#include <cstdio>
#include <cstring>
#include <string_view>

namespace weft::apps {

#define PROGRAM(name, function) int function(int argc, char** argv);
#include "programs.def"
#undef PROGRAM

namespace {

struct Program {
    const char* name;
    int (*run)(int argc, char** argv);
};

constexpr Program kPrograms[] = {
#define PROGRAM(name, function) {name, function},
#include "programs.def"
#undef PROGRAM
    {nullptr, nullptr},
};

const Program* find_program(std::string_view path) {
    std::string_view name = path.substr(path.rfind('/') + 1);
    for (const Program* program = kPrograms; program->name; ++program) {
        if (name == program->name) return program;
    }
    return nullptr;
}

void print_usage(std::FILE* out) {
    std::fprintf(out,
                 "weft: a virtual network for VMs and containers\n"
                 "usage: weft PROGRAM [ARGUMENT...]\n"
                 "or call it by the name of a program, through a link.  Programs:\n");
    for (const Program* program = kPrograms; program->name; ++program) {
        std::fprintf(out, "  %s\n", program->name);
    }
}

int run(int argc, char** argv) {
    if (argc > 0) {
        if (const Program* program = find_program(argv[0])) return program->run(argc, argv);
    }
    if (argc < 2) {
        print_usage(stderr);
        return 1;
    }
    if (!std::strcmp(argv[1], "--help") || !std::strcmp(argv[1], "-h")) {
        print_usage(stdout);
        return 0;
    }
    if (!std::strcmp(argv[1], "--version")) {
        std::printf("weft %s\n", WEFT_VERSION);
        return 0;
    }
    if (const Program* program = find_program(argv[1])) return program->run(argc - 1, argv + 1);
    std::fprintf(stderr, "weft: no program is called \"%s\"; `weft --help` lists them\n", argv[1]);
    return 1;
}

}  // namespace
}  // namespace weft::apps

int main(int argc, char** argv) {
    return weft::apps::run(argc, argv);
}
