# weft_schema(FILE NAMESPACE SHARE_PATH): schema/FILE.schema becomes share/SHARE_PATH.ovsschema in the build tree and
# typed rows, #include "schema/NAMESPACE.h", in the module `schema`.
function(weft_schema file namespace share_path)
  set(generated ${CMAKE_BINARY_DIR}/generated/schema/${namespace})
  set(ovsschema ${CMAKE_BINARY_DIR}/share/${share_path}.ovsschema)
  file(GLOB generator CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/schema_generator/*.py)
  add_custom_command(
    OUTPUT ${generated}.h ${generated}.cc ${ovsschema}
    COMMAND ${CMAKE_SOURCE_DIR}/tools/schema-generator ${CMAKE_SOURCE_DIR}/schema/${file}.schema ${namespace}
            ${ovsschema} ${generated}.h ${generated}.cc
    DEPENDS ${CMAKE_SOURCE_DIR}/schema/${file}.schema ${CMAKE_SOURCE_DIR}/tools/schema-generator ${generator}
    COMMENT "Schema ${file}")
  target_sources(weft_schema PRIVATE ${generated}.h ${generated}.cc)
endfunction()

target_include_directories(weft_schema PUBLIC ${CMAKE_BINARY_DIR}/generated)
weft_schema(vswitch      vswitch      openvswitch/vswitch)
weft_schema(local-config local_config openvswitch/local-config)
weft_schema(vtep         vtep         openvswitch/vtep)
weft_schema(ovn-nb       nb           ovn/ovn-nb)
weft_schema(ovn-sb       sb           ovn/ovn-sb)
weft_schema(ovn-ic-nb    icnb         ovn/ovn-ic-nb)
weft_schema(ovn-ic-sb    icsb         ovn/ovn-ic-sb)
weft_schema(ovn-br       br           ovn/ovn-br)
