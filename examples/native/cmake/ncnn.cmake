# The target `ncnn`: an installed one (-Dncnn_DIR=..., as in ncnn's own packages for Android and iOS), or else
# built from its source in -DPORTRAIT_NCNN=FOLDER, where get_ncnn.py puts the version that was tested.
set(PORTRAIT_NCNN "" CACHE PATH "ncnn's source")
find_package(ncnn QUIET)
if(ncnn_FOUND)
    return()
endif()
if(NOT EXISTS "${PORTRAIT_NCNN}/CMakeLists.txt")
    message(FATAL_ERROR "no ncnn: name an installed one (-Dncnn_DIR=FOLDER), or its source (-DPORTRAIT_NCNN=FOLDER; "
                        "python ${CMAKE_CURRENT_SOURCE_DIR}/get_ncnn.py FOLDER fetches it)")
endif()

# Neither tools nor a GPU, no pictures or operating system's bitmaps, and no arithmetic below float32, which
# would move the mask (see docs/export.md).
foreach(switch VULKAN PIXEL PIXEL_ROTATE PIXEL_AFFINE PIXEL_DRAWING PLATFORM_API C_API BUILD_TOOLS BUILD_EXAMPLES
               BUILD_BENCHMARK INSTALL_SDK INT8 WEIGHT_QUANT BF16 ARM82 ARM82DOT ARM82FP16FML ARM84BF16 ARM84I8MM
               ARM86SVE ARM86SVE2 ARM86SVEBF16 ARM86SVEI8MM ARM86SVEF32MM)
    set(NCNN_${switch} OFF)
endforeach()
set(NCNN_DISABLE_RTTI OFF)
set(NCNN_DISABLE_EXCEPTION OFF)
set(CMAKE_POLICY_DEFAULT_CMP0077 NEW) # what is set here holds against option() there
set(CMAKE_WARN_DEPRECATED OFF CACHE BOOL "" FORCE)

if(PORTRAIT_PARAM)
    # Its layers, and those which these make for themselves.
    set(wanted cast clip convolution convolutiondepthwise crop flatten hardswish innerproduct mish packing padding
               relu sigmoid)
    file(STRINGS "${PORTRAIT_PARAM}" lines REGEX "^[A-Z][A-Za-z0-9]* ")
    foreach(line IN LISTS lines)
        string(REGEX REPLACE " .*" "" layer "${line}")
        string(TOLOWER "${layer}" layer)
        list(APPEND wanted ${layer})
    endforeach()
    file(STRINGS "${PORTRAIT_NCNN}/src/CMakeLists.txt" lines REGEX "^ncnn_add_layer\\(")
    foreach(line IN LISTS lines)
        string(REGEX REPLACE "^ncnn_add_layer\\(([A-Za-z0-9]*).*" "\\1" layer "${line}")
        string(TOLOWER "${layer}" layer)
        if(NOT layer IN_LIST wanted)
            set(WITH_LAYER_${layer} OFF)
        endif()
    endforeach()
endif()

add_subdirectory("${PORTRAIT_NCNN}" ncnn EXCLUDE_FROM_ALL)
