package template

// Function is one function of templates, for the reference.
type Function struct{ Usage, About string }

// Described lists the functions that templates have besides Go's own.
var Described = []Function{
	{`cnf VALUE`, "A value of a my.cnf line, quoted where it must be; refuses a line end"},
	{`sql VALUE`, "A text literal of SQL with its quotes; refuses a zero byte"},
	{`shell VALUE`, "One word of a POSIX shell, quoted"},
	{`word VALUE`, "A bare word, as the files of most daemons have them; refuses blanks, quotes and brackets"},
	{`json VALUE`, "The value as JSON"},
	{`join SEPARATOR LIST [FIELD]`, "The elements of a list, or one field of each of its objects"},
	{`upper TEXT`, "In capital letters"},
	{`lower TEXT`, "In small letters"},
	{`indent N TEXT`, "The text with N blanks before every line but the first"},
	{`add A B`, "The sum of two whole numbers"},
	{`ip "ADDRESS/BITS"`, "The address without its prefix length"},
	{`field OBJECT NAME`, "One field of an object by a name that is itself a value"},
}
