package sheet

// Advice explains one Reason.
type Advice struct {
	Reason Reason
	Means  string // what is wrong, in one clause; Problem.Fill fills its places
	Mend   string // what a person should do; "" when that is plain
}

const asCSV = "in Excel choose File, Save As, CSV UTF-8; in LibreOffice Save As, Text CSV; in Google Sheets Download, CSV; in Numbers Export To, CSV"

var advice = []Advice{
	{EmptySheet, "the file has no rows", "give a file with at least one row"},
	{ExcelFile, "this is an Excel workbook (.xlsx), not CSV", asCSV},
	{OldExcelFile, "this is an old Excel workbook (.xls), not CSV", asCSV},
	{OpenDocument, "this is an OpenDocument spreadsheet (.ods), not CSV", asCSV},
	{NumbersFile, "this is a Numbers document (.numbers), not CSV", asCSV},
	{PDFFile, "this is a PDF document, not CSV", "export CSV from the program that the table was made with"},
	{HTMLFile, "this is a web page, not CSV; some systems call such a page .xls or .csv", "open it in a spreadsheet program; " + asCSV},
	{XMLFile, "this is XML, not CSV", "open it in a spreadsheet program; " + asCSV},
	{ArchiveFile, "this is a compressed file, not CSV", "unpack it and give the CSV in it"},
	{PictureFile, "this is a picture, not CSV", "give the sheet here and the picture with --photo"},
	{UTF32File, "this is UTF-32, which is not read", "save it as CSV UTF-8"},
	{JSONList, "this is one JSON list, not JSONL", "write one object per line: jq -c '.[]' FILE"},
	{JSONOverLines, "this is JSON spread over several lines, not JSONL", "write one object per line: jq -c . FILE"},
	{NoGroupColumn, "no column is named as that of the groups", "name one of them group or grupo"},
	{NoPhotoColumn, "no column is named as that of the photos, and no photo is given for all", "name one of them photo or foto, or give --photo"},
	{ColumnTwice, "two columns have the same meaning", "rename one of them"},

	{EmptyGroup, "the group is missing", "write its id, such as 120363019502650977-group"},
	{RoundedGroup, "a spreadsheet made a rounded number of the group id, and its last digits are lost", "format the column as text, put the ids in again, and export again"},
	{MaybeRounded, "ends in zeros from the 16th digit on, as numbers do that a spreadsheet rounded", "check it; when it is right, write -group behind it"},
	{PersonGroup, "is a person, not a group", "write the group's id, such as 120363019502650977-group"},
	{ChannelGroup, "is a channel, not a group", "write the group's id, such as 120363019502650977-group"},
	{BroadcastGroup, "is a broadcast list, not a group", "write the group's id, such as 120363019502650977-group"},
	{PhoneGroup, "is a phone number, not a group", "write the group's id, such as 120363019502650977-group"},
	{BadGroup, "is no group id", "write it as 120363019502650977-group or 5511999999999-1623281429"},
	{NoPhoto, "the photo is missing, and none is given for all", "write a URL or a file, or give --photo"},
	{BadURL, "is no complete http:// or https:// address without user name and of at most 2048 bytes", "copy it from the browser as a whole"},
	{BadPhoto, "is neither a URL, nor a file's name, nor Base64", "write a URL, the name of a file beside the sheet, or a data URI"},
	{PhotoOutside, "leads out of the sheet's folder", "put the file beside the sheet and write its name alone, or give --absolute"},
	{PhotoUnreadable, "the photo's file cannot be read", "put it beside the sheet, and write its name exactly, capitals and accents included"},
	{BadAccount, "is no account name: 1 to 32 of a-z, 0-9 and -", "write the name that the account has in GROUPPHOTO_ACCOUNTS_FILE"},
	{TooFewFields, "fields in this line: {fields}, columns of the sheet: {columns}", "fill in what is missing, or leave the cell empty between separators"},
	{TooManyFields, "fields in this line: {fields}, columns of the sheet: {columns}", "put text that contains the separator into quotes"},
	{OpenQuote, "the quote that begins here is not closed, or only after more than 1 MiB", "close it, or double each quote that belongs to the text"},
	{TextAfterQuote, "text goes on after the closing quote", "double each quote that belongs to the text"},
	{LineTooLong, "is longer than 1 MiB", "write a URL or a file's name instead of the picture"},
	{NULByte, "contains a NUL byte: the file is damaged or no text", "export it again"},
	{BadEncoding, "contains bytes that are no UTF-8, although the rest of the sheet is", "save the whole sheet as CSV UTF-8"},
	{BadJSON, "is no JSON object; it goes wrong at character {fields}", `write {"groupId":"…","groupPhoto":"…"} on one line`},
	{NotText, "is not a text", "put it into quotes: a number loses digits"},
	{FieldTwice, "two fields have the same meaning", "keep one of them"},
	{Duplicate, "is the same group and account as in line {other}", "remove one of the two"},
	{TwoAccounts, "is the group of line {other} again, there under the account {account}", "keep one account for each group"},
	{NoMember, "none of the numbers is in this group", "add one of them to it and list the groups again, or take the row out"},
	{NotMember, "is an account whose number is not in this group", "add it to the group and list the groups again, or leave the cell empty for a number that is"},
}
